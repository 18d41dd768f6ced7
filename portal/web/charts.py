"""Small charts as markup: one SVG that stretches, labels in HTML beside it so that they stay readable on a
phone. Colours come from the style sheet. Pure; money stays Decimal until it becomes a place on paper."""

from collections.abc import Callable, Sequence
from decimal import Decimal

from markupsafe import Markup

_WIDTH, _HEIGHT = 600, 160
# With %, which takes half the time of `format`: a year has hundreds of them.
_SPOT = Markup('<rect class="spot" x="%.1f" y="0" width="%.1f" height="%s"><title>%s</title></rect>')
_BAR = Markup(
    '<g><title>%s</title><rect class="spot" x="%.1f" y="0" width="%.1f" height="%s"/>'
    '<rect class="bar %s" x="%.1f" y="%.1f" width="%.1f" height="%.1f"/></g>'
)

Words = Callable[[Decimal], str]


def line(
    values: Sequence[Decimal], labels: Sequence[str], title: str, *, scale: Words, tone: str = ""
) -> Markup:
    """A line over time. `labels` say each point in words ("3 Mar: 1,200 USDT"), `scale` the highest and the
    lowest. Fewer than two points make no line: the answer is empty."""
    if len(values) < 2:
        return Markup("")
    low, high = min(*values, Decimal(0)) if min(values) < 0 else min(values), max(values)
    places = [(_x(place, len(values)), _y(value, low, high)) for place, value in enumerate(values)]
    points = " ".join(f"{x:.1f},{y:.1f}" for x, y in places)
    area = f"0,{_HEIGHT} {points} {_WIDTH},{_HEIGHT}"
    zero = _zero_line(low, high)
    step = _WIDTH / max(len(values) - 1, 1)
    spots = Markup("").join(
        _SPOT % (x - step / 2, step, _HEIGHT, label) for (x, _), label in zip(places, labels, strict=True)
    )
    inside = Markup('<polygon class="area" points="{}"/>{}<polyline class="line" points="{}"/>{}').format(
        area, zero, points, spots
    )
    return _figure(inside, title, tone, scale(high), scale(low))


def bars(values: Sequence[Decimal | int], labels: Sequence[str], title: str, *, scale: Words) -> Markup:
    """Bars up and down from zero; `labels` say each in words, `scale` the highest and the lowest. Without any
    value that is not zero the answer is empty."""
    numbers = [Decimal(value) for value in values]
    if not any(numbers):
        return Markup("")
    low, high = min(*numbers, Decimal(0)), max(*numbers, Decimal(0))
    width = _WIDTH / len(numbers)
    zero = _y(Decimal(0), low, high)
    shapes = []
    for place, (value, label) in enumerate(zip(numbers, labels, strict=True)):
        y = _y(value, low, high)
        kind = "gain" if value > 0 else "fall"
        height = max(abs(zero - y), 1 if value else 0)
        left = place * width
        shapes.append(
            _BAR % (label, left, width, _HEIGHT, kind, left + width * 0.1, min(y, zero), width * 0.8, height)
        )
    return _figure(Markup("").join(shapes) + _zero_line(low, high), title, "", scale(high), scale(low))


def _figure(inside: Markup, title: str, tone: str, top: str, bottom: str) -> Markup:
    return Markup(
        '<div class="chart-box"><div class="chart-scale" aria-hidden="true">'
        "<span>{}</span><span>{}</span></div>"
        '<svg class="chart {}" viewBox="0 0 {} {}" preserveAspectRatio="none" role="img" aria-label="{}">'
        "{}</svg></div>"
    ).format(top, bottom, tone, _WIDTH, _HEIGHT, f"{title}, from {bottom} to {top}", inside)


def _x(place: int, count: int) -> float:
    return _WIDTH * place / (count - 1)


def _y(value: Decimal, low: Decimal, high: Decimal) -> float:
    if high == low:
        return _HEIGHT / 2
    return float((high - value) / (high - low)) * (_HEIGHT - 4) + 2


def _zero_line(low: Decimal, high: Decimal) -> Markup:
    if not low < 0 < high:
        return Markup("")
    y = _y(Decimal(0), low, high)
    return Markup('<line class="zero" x1="0" x2="{}" y1="{:.1f}" y2="{:.1f}"/>').format(_WIDTH, y, y)
