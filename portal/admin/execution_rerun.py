"""Letting one execution, or all of a signal that came to nothing, run again: what will happen is said first,
then it is asked for by POST."""

from collections import Counter

from flask import url_for
from flask.typing import ResponseReturnValue

from portal.admin.access import actor
from portal.admin.base import Button
from portal.admin.confirming import Question, confirm, found
from portal.admin.routing import route
from portal.models import Execution, Signal
from portal.services import reruns
from portal.trading.transitions import RERUN_FROM

#: Different reasons on one page; more are left out.
_REASONS = 6


class ExecutionRerun:
    """What the view of executions has for those that came to nothing."""

    def buttons(self, model: Execution) -> list[Button]:
        """Only where it is worth asking; the page behind says whether it may."""
        if model.status not in RERUN_FROM:
            return []
        return [Button("Run again…", url_for(".rerun", execution_id=model.id))]

    @route("/rerun/<row_id:execution_id>", methods=("GET", "POST"))
    def rerun(self, execution_id: int) -> ResponseReturnValue:
        """Ask, then let it begin anew."""
        execution = found(Execution, execution_id)
        refused = reruns.why_not(execution_id)
        question = Question(
            question=f"Run execution {execution_id} again?",
            sentences=(
                f"{execution.action.value.capitalize()} {execution.direction.value} {execution.currency_pair}"
                f" on {execution.connection_name}. It was {_status(execution)}"
                f"{f': {execution.message}' if execution.message else '.'}",
                "A worker checks and sizes it by what holds now, and places its order if nothing speaks"
                " against it. It never gets a second order.",
            ),
            label="Run it again",
            back=url_for("admin_executions.details_view", id=execution_id),
            warning=refused,
            possible=not refused,
        )
        return confirm(self, question, lambda: _run(execution_id))


class SignalRerun:
    """What the view of signals has for executions that came to nothing."""

    @route("/rerun/<row_id:signal_id>", methods=("GET", "POST"))
    def rerun(self, signal_id: int) -> ResponseReturnValue:
        """Ask, then let all of them begin anew that may."""
        found(Signal, signal_id)
        outlook = reruns.outlook(signal_id)
        many = _executions(outlook.again)
        question = Question(
            question=f"Run what came to nothing of signal {signal_id} again?",
            sentences=(
                f"{many[0].upper()}{many[1:]} of it can run again: denied, expired or not placed, without an"
                " order that exists or may exist. Orders are placed at once, by what holds now.",
                *_reasons(outlook.refused),
            ),
            label=f"Run {many} again",
            back=url_for("admin_signals.details_view", id=signal_id),
            warning="" if outlook.again else "There is nothing that can run again.",
            possible=bool(outlook.again),
        )
        return confirm(self, question, lambda: _run_all(signal_id))


def _run(execution_id: int) -> str:
    reruns.run_again(execution_id, actor=actor())
    return f"Execution {execution_id} waits for a worker again."


def _run_all(signal_id: int) -> str:
    done = reruns.run_signal_again(signal_id, actor=actor())
    waiting = "waits" if done.again == 1 else "wait"
    said = [f"{_executions(done.again)} {waiting} for a worker again.", *_reasons(done.refused)]
    return " ".join(said)


def _reasons(refused: Counter[str]) -> list[str]:
    return [f"{_executions(count)} cannot: {why}" for why, count in refused.most_common(_REASONS)]


def _executions(count: int) -> str:
    return "1 execution" if count == 1 else f"{count:,} executions"


def _status(execution: Execution) -> str:
    return execution.status.value.replace("_", " ")
