"""Fills a form of a page that is already written, so that every form can be given back, whoever wrote it.
Fills visible inputs only, and never one for secrets."""

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from html import escape
from html.parser import HTMLParser

#: Which state of a row the form showed: given back, so that a change by somebody else is still noticed.
SEEN = "seen"
_LEFT_ALONE = frozenset({"hidden", "password", "submit", "button", "reset", "file", "image"})
_MARKS = frozenset({"checkbox", "radio"})
_SENTENCE = "This is what you typed before. Nothing was done with it yet: look it over, then send it again."
#: Said only where there was one.
_NO_SECRETS = " Passwords and keys were not kept; enter them again."
_GONE = "The form that you sent is not on this page any more. Nothing was done. This is what you had typed:"
#: Hidden fields that are new on every page; the others say what a form is about.
_PASSING = frozenset({SEEN, "csrf_token", "form_key", "next", "url"})
Pairs = list[tuple[str, str | None]]


def refilled(
    page: str, here: tuple[str, str], typed: Sequence[tuple[str, str]], *, left_out: bool = False
) -> str:
    """`page` with the form that leads to the second address of `here` and is about the same thing filled with
    `typed`; a form without an address leads to the first one, the page itself. Without such a form, what was
    typed is listed above the page's content. `left_out`: a secret was typed, too, and was not kept."""
    reader = _Reader(here)
    reader.feed(page)
    sentence = _SENTENCE + (_NO_SECRETS if left_out else "")
    writer = _Refill(reader.found(typed), typed, sentence)
    writer.feed(page)
    writer.close()
    return "".join(writer.out)


@dataclass(slots=True)
class _Seen:
    """A form of the page: whether it leads to the right address, what it hides, what it asks for."""

    leads_there: bool
    hidden: dict[str, str] = field(default_factory=dict)
    names: set[str] = field(default_factory=set)

    def fits(self, sent: dict[str, str]) -> bool:
        return self.leads_there and all(sent.get(name, text) == text for name, text in self.hidden.items())


class _Reader(HTMLParser):
    """Looks at all forms of a page."""

    def __init__(self, here: tuple[str, str]) -> None:
        super().__init__()
        self._page, self._target = here
        self._forms: list[_Seen] = []

    def handle_starttag(self, tag: str, pairs: Pairs) -> None:
        given = {name: value or "" for name, value in pairs}
        name = given.get("name", "")
        if tag == "form":
            posts = given.get("method", "get").lower() == "post"
            self._forms.append(_Seen(posts and (given.get("action") or self._page) == self._target))
        elif tag in ("input", "select", "textarea") and name and self._forms:
            self._forms[-1].names.add(name)
            if given.get("type") == "hidden" and name not in _PASSING:
                self._forms[-1].hidden[name] = given.get("value", "")

    def found(self, typed: Sequence[tuple[str, str]]) -> int | None:
        """The number of the form on the page: about the same thing, with most of the fields; None when it is
        not there."""
        sent = dict(typed)
        fitting = [number for number, form in enumerate(self._forms) if form.fits(sent)]
        return max(fitting, key=lambda number: len(self._forms[number].names & sent.keys()), default=None)


class _Refill(HTMLParser):
    def __init__(self, number: int | None, typed: Sequence[tuple[str, str]], sentence: str) -> None:
        super().__init__(convert_charrefs=False)
        self.out: list[str] = []
        self._number, self._forms = number, 0
        self._typed, self._sentence = typed, sentence
        self._values: dict[str, list[str]] = defaultdict(list)
        for name, value in typed:
            self._values[name].append(value)
        self._used: Counter[str] = Counter()
        self._inside = self._swallowing = False
        self._select = ""

    def handle_starttag(self, tag: str, pairs: Pairs) -> None:
        raw = self.get_starttag_text() or ""
        if tag == "form":
            self._inside = self._forms == self._number
            self._forms += 1
            notice = f'<p class="notice warn" role="status">{self._sentence}</p>' if self._inside else ""
            self.out.append(raw + notice)
        elif tag == "main" and self._number is None:
            self.out.append(raw + self._list())
        else:
            self.out.append(self._within(tag, pairs, raw) if self._inside else raw)

    def _within(self, tag: str, pairs: Pairs, raw: str) -> str:
        given = {name: value or "" for name, value in pairs}
        name = given.get("name", "")
        if tag == "input":
            return self._input(raw, pairs, given)
        if tag == "select":
            self._select = name
        elif tag == "option" and self._select in self._values:
            return _marked(tag, pairs, "selected", on=given.get("value", "") in self._values[self._select])
        elif tag == "textarea" and name in self._values:
            # Its own text is left out; a browser drops the first line break.
            self._swallowing = True
            return raw + "\n" + escape(self._next(name))
        return raw

    def _list(self) -> str:
        rows = [
            f"<dt>{escape(name.replace('_', ' ').capitalize())}</dt><dd>{escape(value)}</dd>"
            for name, value in self._typed
            if value.strip() and name not in _PASSING
        ]
        words = f'<p>{_GONE}</p><dl class="facts">{"".join(rows)}</dl>'
        return f'<div class="notice warn" role="status">{words}</div>'

    def handle_startendtag(self, tag: str, pairs: Pairs) -> None:
        self.handle_starttag(tag, pairs)

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self._inside = False
        elif tag == "select":
            self._select = ""
        elif tag == "textarea":
            self._swallowing = False
        self.out.append(f"</{tag}>")

    def handle_data(self, data: str) -> None:
        self._copy(data)

    def handle_entityref(self, name: str) -> None:
        self._copy(f"&{name};")

    def handle_charref(self, name: str) -> None:
        self._copy(f"&#{name};")

    def handle_comment(self, data: str) -> None:
        self._copy(f"<!--{data}-->")

    def handle_decl(self, decl: str) -> None:
        self._copy(f"<!{decl}>")

    def _copy(self, text: str) -> None:
        if not self._swallowing:
            self.out.append(text)

    def _input(self, raw: str, pairs: Pairs, given: dict[str, str]) -> str:
        name, kind = given.get("name", ""), given.get("type", "text").lower()
        if kind in _MARKS:
            # What was not ticked was not sent.
            return _marked(
                "input", pairs, "checked", on=given.get("value", "on") in self._values.get(name, [])
            )
        if name not in self._values or (kind in _LEFT_ALONE and name != SEEN):
            return raw
        return _tag(
            "input", [*((each, text) for each, text in pairs if each != "value"), ("value", self._next(name))]
        )

    def _next(self, name: str) -> str:
        """Inputs that share a name take the values in their order."""
        values = self._values[name]
        self._used[name] += 1
        return values[min(self._used[name], len(values)) - 1]


def _marked(tag: str, pairs: Pairs, mark: str, *, on: bool) -> str:
    return _tag(tag, [pair for pair in pairs if pair[0] != mark] + ([(mark, None)] if on else []))


def _tag(tag: str, pairs: Pairs) -> str:
    written = "".join(f" {name}" if value is None else f' {name}="{escape(value)}"' for name, value in pairs)
    return f"<{tag}{written}>"
