"""The decisions of the protocol, the real ones, and ways to get them wrong. Each wrong way is a system that
somebody runs; the model must catch every one."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from portal.trading.proof import ANSWERS_NEEDED, Doubt, Endpoint


class WhenUnknown(StrEnum):
    """What a sender does that has no answer."""

    ASK = "ask the venue"
    SEND_SAME_ID = "send again under the same id"
    SEND_NEW_ID = "send again under a new id"
    BELIEVE_FAILED = "believe that it failed"


@dataclass(frozen=True, slots=True)
class Rules:
    doubt: type[Doubt] = Doubt
    when_unknown: WhenUnknown = WhenUnknown.ASK
    #: A job takes its execution with a compare-and-set, and looks again when it intends.
    claims: bool = True
    #: One signal per dedupe key.
    dedupes: bool = True
    #: A sender looks at the deadline again right before the socket.
    minds_deadline: bool = True
    #: A row in flight whose sender is gone counts as sent.
    doubts_crashes: bool = True


class BelievesAtOnce(Doubt):
    """Three times "not found" is enough, whenever."""

    @property
    def horizon(self) -> datetime:
        return self.not_after.replace(year=1970)


class AnyTwoKinds(Doubt):
    """Two kinds of endpoint, whichever, from whichever answers."""

    def observe(self, absent_from: Collection[str], asked_at: datetime) -> Doubt:
        if asked_at <= self.horizon or not absent_from:
            return self
        answers = self.answers + 1
        kinds = self.kinds | frozenset(absent_from)
        if len(kinds) < 2:
            answers = min(answers, ANSWERS_NEEDED - 1)
        return replace(self, answers=answers, kinds=kinds, last_absent_at=asked_at)

    @property
    def left_no_trace(self) -> bool:
        return self.is_absent


class OneKind(AnyTwoKinds):
    """One endpoint that answers is enough."""

    def observe(self, absent_from: Collection[str], asked_at: datetime) -> Doubt:
        return super().observe({*absent_from, Endpoint.OPEN, Endpoint.FILLS} if absent_from else (), asked_at)


REAL = Rules()
WRONG: Mapping[str, Rules] = {
    "retry any error under a new id": Rules(when_unknown=WhenUnknown.SEND_NEW_ID),
    "retry any error under the same id": Rules(when_unknown=WhenUnknown.SEND_SAME_ID),
    "believe that a timeout failed": Rules(when_unknown=WhenUnknown.BELIEVE_FAILED),
    "believe three times not found at once": Rules(doubt=BelievesAtOnce),
    "believe any two kinds of endpoint": Rules(doubt=AnyTwoKinds),
    "believe one kind of endpoint": Rules(doubt=OneKind),
    "run a job without a claim": Rules(claims=False),
    "take every webhook for a new signal": Rules(dedupes=False),
    "send without a last look at the deadline": Rules(minds_deadline=False),
    "run a job again after a crash in flight": Rules(doubts_crashes=False),
}
