"""Somebody without a mouse: walks with Tab, sees where the focus is, and presses keys."""

from dataclasses import dataclass, replace

from playwright.sync_api import Page

#: Stops of a walk that has gone astray.
MOST = 500
#: What has the focus: its name as it is read out, whether one can see that it has it, and its place.
_FOCUSED = """() => {
  const node = document.activeElement;
  if (!node || node === document.body || node === document.documentElement) return null;
  const style = getComputedStyle(node), box = node.getBoundingClientRect();
  const label = node.labels && node.labels.length ? node.labels[0].textContent : '';
  const name = node.getAttribute('aria-label') || label || node.innerText || node.value || node.title || '';
  const before = window.beforeFocus;
  window.beforeFocus = node;
  return {
    name: name.trim().replace(/\\s+/g, ' '),
    tag: node.tagName.toLowerCase(),
    html: node.outerHTML.slice(0, 120),
    same: node === before,
    ringed: style.boxShadow !== 'none'
      || (style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) >= 1),
    seen: box.width > 0 && box.height > 0 && box.bottom > 0 && box.top < innerHeight
      && box.right > 0 && box.left < innerWidth,
    in_order: !before || !before.isConnected
      || Boolean(before.compareDocumentPosition(node) & Node.DOCUMENT_POSITION_FOLLOWING),
  };
}"""
#: Everything that can be operated and is not hidden; of radio buttons the group counts.
_CONTROLS = """() => [...document.querySelectorAll(
    'a[href], button, input:not([type=hidden]), select, textarea, summary, [tabindex="0"]')]
  .filter((node) => !node.disabled && node.checkVisibility())
  .filter((node) => node.type !== 'radio' || node === (
    document.querySelector(`input[type=radio][name="${node.name}"]:checked`)
    || document.querySelector(`input[type=radio][name="${node.name}"]`)))
  .map((node) => node.outerHTML.slice(0, 120))"""


@dataclass(frozen=True)
class Stop:
    """Where Tab has led."""

    name: str
    tag: str
    html: str
    #: Another part of the same control, such as the minutes of a time.
    same: bool
    ringed: bool
    seen: bool
    in_order: bool

    def faults(self) -> list[str]:
        if self.same:
            return []
        found = {"no name": self.name, "no visible focus": self.ringed, "out of sight": self.seen}
        wrong = [what for what, is_fine in found.items() if not is_fine]
        return [f"{what}: {self.html}" for what in wrong + ["out of order"] * (not self.in_order)]


class Keyboard:
    def __init__(self, page: Page) -> None:
        self.page = page

    def tab(self) -> Stop | None:
        """One step; None behind the last control."""
        self.page.keyboard.press("Tab")
        found = self.page.evaluate(_FOCUSED)
        return Stop(**found) if found else None

    def walk(self) -> list[Stop]:
        """Over the whole page, from its first control to its last, wherever the focus is when it opens."""
        stops = self._on_to_the_start()
        while (stop := self.tab()) is not None and stop.html != stops[0].html:
            stops.append(stop)
            assert len(stops) < MOST, f"the walk does not end: {stop}"
        return [stop for stop in stops if not stop.same]

    def _on_to_the_start(self) -> list[Stop]:
        for _ in range(MOST):
            stop = self.tab()
            if stop is not None and 'class="skip"' in stop.html:
                return [replace(stop, in_order=True)]
        raise AssertionError("no skip link is the first stop of this page")

    def controls(self) -> list[str]:
        return list(self.page.evaluate(_CONTROLS))

    def to(self, name: str, tag: str = "") -> None:
        """On with Tab until the focus is on what is called so."""
        stops = []
        while (stop := self.tab()) is not None and len(stops) < MOST:
            assert not stop.faults(), stop.faults()
            if stop.name.startswith(name) and tag in ("", stop.tag):
                return
            stops.append(stop.name)
        raise AssertionError(f"Tab does not lead to {name!r}; it led to {stops}")

    def press(self, *keys: str) -> None:
        for key in keys:
            self.page.keyboard.press(key)

    def type(self, text: str) -> None:
        self.page.keyboard.type(text)
