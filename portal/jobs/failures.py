"""What the text of a failed job means, in a sentence for the person who looks. Pure."""

import re
from dataclasses import dataclass

#: A line of a traceback that names what was raised.
_RAISED = re.compile(r"^([A-Za-z_][\w.]*(?:Error|Exception|Exit|Interrupt|Timeout))\b:? ?(.*)$")
_LONGEST = 300

#: How the texts begin that the worker itself writes, and what they mean.
_BY_THE_WORKER = (
    ("The worker that ran this job disappeared", "killed", "Its worker was killed, or its machine stopped."),
    ("The worker was told to stop", "killed", "Its worker was stopped and did not wait for its end."),
    ("The job took longer than its limit", "too long", "It took longer than it may and was interrupted."),
    ("Refused, nothing was run", "foreign", "It is none of our jobs. Nothing of it was run."),
)  # fmt: skip
#: How names of exceptions begin or end, and what they mean.
_RAISED_MEANS = (
    ("portal.jobs.engine.pool.StuckError", "too long", "It took longer than it may and did not stop."),
    ("sqlalchemy.exc.OperationalError", "database", "The database did not answer."),
    ("sqlalchemy.exc.TimeoutError", "database", "No connection to the database was free."),
    ("psycopg.", "database", "The database did not answer."),
    ("redis.", "redis", "Redis did not answer."),
    ("portal.services.channels.posting.", "not taken", "The service did not take the message."),
    ("portal.exchanges.", "exchange", "The exchange refused, or did not answer."),
    ("portal.services.traffic", "exchange", "Requests to the exchange are held back."),
    ("portal.crypto.DecryptionError", "key", "Stored credentials could not be read."),
    ("portal.errors.", "refused", "One of our own rules said no."),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Meaning:
    """`kind` is a word for a badge. `detail` is the last line of the error, for whoever wants it. `ours`: an
    error in the program, which should be reported."""

    kind: str
    sentence: str
    detail: str = ""
    ours: bool = False


def meaning(text: str) -> Meaning:
    """What `text`, as the worker wrote it, means."""
    for start, kind, sentence in _BY_THE_WORKER:
        if text.startswith(start):
            return Meaning(kind, sentence, text.partition("\n")[0][:_LONGEST])
    name, said = _raised(text)
    detail = f"{name.rpartition('.')[2]}: {said}"[:_LONGEST] if name else ""
    for start, kind, sentence in _RAISED_MEANS:
        if name.startswith(start):
            return Meaning(kind, sentence, detail)
    if not text:
        return Meaning("unknown", "Nothing was written down about its end.")
    sentence = "An error in the program. Please report it, with the text below."
    return Meaning("program error", sentence, detail, ours=True)


def _raised(text: str) -> tuple[str, str]:
    """The last exception that a traceback names, and what it said."""
    for line in reversed(text.splitlines()):
        if found := _RAISED.match(line):
            return found.group(1), found.group(2)
    return "", ""
