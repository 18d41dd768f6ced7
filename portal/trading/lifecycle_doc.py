"""Writes `docs/order-lifecycle.md` from the tables that the code obeys, so that the page cannot drift from
them.

`python -m portal.trading.lifecycle_doc > docs/order-lifecycle.md`; a test compares the two."""

import sys
from collections.abc import Mapping
from enum import StrEnum
from typing import TypeVar

from portal.trading import proof
from portal.trading.denials import DenialCode
from portal.trading.proof import Endpoint
from portal.trading.transitions import EXECUTION_MOVES, LATE_FILL_FROM, ORDER_MOVES, RERUN_FROM

S = TypeVar("S", bound=StrEnum)

_INTRO = """# The life of an order

*This page is generated from `portal/trading`; change the tables there, then run `python -m
portal.trading.lifecycle_doc > docs/order-lifecycle.md`.*

Two sentences explain every state below:

> **No `Order` row: nothing was sent. `Order` row in flight: it may have been sent; ask the exchange,
> never guess, never blindly send again.**
>
> **A queue entry is a hint; the `Execution` row is the truth.**

`denied` is our refusal, before anything was sent. `rejected` is the exchange's refusal, with its code.
`unresolved` means that nobody knows yet: the exchange is asked until the order is found or proved never
to have been taken. There is no way from `unresolved` to `rejected`.
"""


def render() -> str:
    """The whole page."""
    parts = [
        _INTRO,
        "## An order\n",
        _diagram(ORDER_MOVES),
        _table(ORDER_MOVES),
        "A fill that arrives after the end is the truth: it moves even"
        f" {_words(sorted(LATE_FILL_FROM))}, and raises an alarm.\n",
        "## An execution\n",
        _diagram(EXECUTION_MOVES),
        _table(EXECUTION_MOVES),
        _reruns(),
        _absence(),
        "## Denial codes\n",
        "Every refusal of ours has one of these codes, with the sentence that says what to change.\n",
        _codes(),
    ]
    return "\n".join(parts)


def _diagram(moves: Mapping[S, frozenset[S]]) -> str:
    lines = ["```mermaid", "stateDiagram-v2"]
    for old, news in moves.items():
        lines += [f"    {old.value} --> {new.value}" for new in sorted(news)]
        if not news:
            lines.append(f"    {old.value} --> [*]")
    return "\n".join([*lines, "```", ""])


def _table(moves: Mapping[S, frozenset[S]]) -> str:
    rows = ["| from | to |", "|---|---|"]
    rows += [
        f"| `{old.value}` | {_words(sorted(new.value for new in news))} |" for old, news in moves.items()
    ]
    return "\n".join([*rows, ""])


def _words(values: list[str]) -> str:
    return ", ".join(f"`{value}`" for value in values) or "nothing: this is an end"


def _reruns() -> str:
    return f"""## When an execution may be run again

Only an administrator can ask for it, and only for {_words(sorted(RERUN_FROM))}; it is `pending` again then.
It is refused

* while the execution has an order that was or may have been taken: only orders that the exchange refused to
  process, or that never left, do not count;
* after silence proved an order absent, unless that proof left no trace and the new order is number \
{proof.MAX_GENERATIONS};
* after a person declared an order not placed, because people err;
* once a later signal on the same account and symbol went ahead, because signals keep their order;
* when it would only be denied again before the exchange is asked: the age limit of the preset and the expiry
  of the signal hold as they did.

An execution without any order keeps the client order id that nobody has seen. After an order, the new
one has a new generation, and with it a new id. Two people who ask at the same time get one order. One that is
older than a few minutes asks the exchange for its own order first: the books may be those of a backup.
"""


def _absence() -> str:
    rows = ["| kind of endpoint | shows waiting orders | shows fills | shows orders that ended unfilled |"]
    rows += ["|---|---|---|---|"]
    for kind in Endpoint:
        shown = (kind in proof.SHOWS_WAITING, kind in proof.SHOWS_FILLED, kind in proof.SHOWS_UNFILLED_END)
        rows.append(f"| `{kind.value}` | {' | '.join('yes' if yes else 'no' for yes in shown)} |")
    return f"""## When "not found" is believed

An answer "not found" counts only after the request's own validity window at the exchange has passed,
plus {proof.SLACK.seconds} seconds: {proof.CLOCK_SLACK.seconds} s of clock difference, \
{proof.VENUE_WAIT.seconds} s that an exchange may wait inside, {proof.READ_LAG.seconds} s of delay between
its engine and its queries. Exchanges without such a window are given {proof.NO_WINDOW_SLACK.seconds} seconds.

Then it takes {proof.ANSWERS_NEEDED} such answers, at least {proof.BETWEEN_ANSWERS.seconds} seconds apart. \
Each by itself must come from two kinds of
endpoint or more that leave no room for an order that waits nor for one that was filled:

{chr(10).join(rows)}

Only after that proof, only when an order that ended unfilled would have shown too, and only once, a new
order with a new id may follow, while the signal is young enough to be traded. Where that cannot be proved,
the execution ends as `not_placed`, or stays `unresolved` and waits for a person.
"""


def _codes() -> str:
    rows = ["| code | what it says |", "|---|---|"]
    rows += [f"| `{code.value}` | {code.sentence} |" for code in DenialCode]
    return "\n".join([*rows, ""])


if __name__ == "__main__":
    sys.stdout.write(render())
