"""Fills a form of a page that is already written, so that every form can be given back, whoever wrote it.
Fills visible inputs only, and never one for secrets."""

from collections import Counter, defaultdict
from collections.abc import Sequence
from html import escape
from html.parser import HTMLParser

#: Which state of a row the form showed: given back, so that a change by somebody else is still noticed.
SEEN = "seen"
_LEFT_ALONE = frozenset({"hidden", "password", "submit", "button", "reset", "file", "image"})
_MARKS = frozenset({"checkbox", "radio"})
_SENTENCE = (
    "This is what you typed before. Nothing was done with it yet: look it over, then send it again."
    " Passwords and keys were not kept; enter them again."
)
Pairs = list[tuple[str, str | None]]


def refilled(page: str, here: tuple[str, str], typed: Sequence[tuple[str, str]]) -> str:
    """`page` with the form that leads to the second address of `here` filled with `typed`; a form without an
    address leads to the first one, the page itself. As it was when there is no such form."""
    writer = _Refill(here, typed)
    writer.feed(page)
    writer.close()
    return "".join(writer.out)


class _Refill(HTMLParser):
    def __init__(self, here: tuple[str, str], typed: Sequence[tuple[str, str]]) -> None:
        super().__init__(convert_charrefs=False)
        self.out: list[str] = []
        self._page, self._target = here
        self._values: dict[str, list[str]] = defaultdict(list)
        for name, value in typed:
            self._values[name].append(value)
        self._used: Counter[str] = Counter()
        self._inside = False
        self._select = ""
        self._swallowing = False

    def handle_starttag(self, tag: str, pairs: Pairs) -> None:
        raw = self.get_starttag_text() or ""
        given = {name: value or "" for name, value in pairs}
        name = given.get("name", "")
        if tag == "form":
            self._inside = self._is_it(given)
            self.out.append(raw)
            if self._inside:
                self.out.append(f'<p class="notice warn" role="status">{_SENTENCE}</p>')
            return
        if self._inside and tag == "input":
            raw = self._input(raw, pairs, given)
        elif self._inside and tag == "select":
            self._select = name
        elif self._inside and tag == "option" and self._select in self._values:
            chosen = given.get("value", "") in self._values[self._select]
            raw = _marked(tag, pairs, "selected", on=chosen)
        elif self._inside and tag == "textarea" and name in self._values:
            # A browser drops the first line break of a text.
            self.out.append(raw + "\n" + escape(self._next(name)))
            self._swallowing = True
            return
        self.out.append(raw)

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

    def _is_it(self, given: dict[str, str]) -> bool:
        return given.get("method", "get").lower() == "post" and (
            (given.get("action") or self._page) == self._target
        )

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
