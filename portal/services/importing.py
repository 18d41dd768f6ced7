"""Importing connections: one transaction for the whole file, and a reason for every field that is refused."""

from collections.abc import Mapping, Sequence
from typing import Any

from portal.db import db, request_job, transaction
from portal.models import ExecutionConnection, User
from portal.services import audit
from portal.services.connections_fields import boolean, read_connection
from portal.services.importing_owners import TAKEN, Owners
from portal.services.importing_presets import import_presets
from portal.services.importing_report import ImportResult, Problem, Progress
from portal.services.importing_rows import Row
from portal.trading.fields import Reader, string

__all__ = ["ImportResult", "Problem", "Row", "import_connections", "import_presets", "imported_before"]

_MORE: Mapping[str, Reader] = {"preset": string(200), "is_admin_owned": boolean}


def import_connections(
    rows: Sequence[Row],
    *,
    owner: User | None,
    actor: audit.Actor,
    progress: Progress | None = None,
    check_only: bool = False,
) -> ImportResult:
    """Store one connection per row, credentials encrypted, all or nothing, and ask for a check of each. They
    may trade at once. With `check_only` nothing is stored; the result says what would have been.

    Rows belong to `owner`, or without one to the only administrator; admin-owned rows belong to `owner` if
    that is an administrator, else to the first administrator. Commits once, after every row was read.
    Never raises for a bad row: the result has a problem per field and nothing was stored. Not to be
    repeated: names are taken then. Raises NotFoundError when `owner` is deactivated.
    """
    owner_id = owner.id if owner is not None else None
    problems: list[Problem] = []
    with transaction() as session:
        owners = Owners(owner_id)
        made: list[ExecutionConnection] = []
        for done, row in enumerate(rows, start=1):
            values = _read(row, owners, problems)
            if values is not None and not problems:
                # Nothing is encrypted for a mere check.
                made.append(ExecutionConnection(name=values["name"]) if check_only else _make(values))
            if progress is not None:
                progress(done, len(rows))
        if problems:
            session.rollback()
            return ImportResult(problems=tuple(problems))
        if check_only:
            return ImportResult(added=tuple(connection.name for connection in made))
        session.add_all(made)
        session.flush()
        _audit(actor, made)
        for connection in made:
            # A check, not a test: thousands of them are spread over minutes.
            request_job("check_connection", connection.id)
        return ImportResult(added=tuple(connection.name for connection in made))


def imported_before(rows: Sequence[Row], result: ImportResult) -> bool:
    """Whether every row was refused for nothing but its name, which its owner has already: the same file
    once more, or a second press of the button."""
    known = {each.line for each in result.problems if each.field == "name" and each.reason.endswith(TAKEN)}
    return bool(rows) and len(known) == len(rows) == len(result.problems)


def _read(row: Row, owners: Owners, problems: list[Problem]) -> dict[str, Any] | None:
    if row.problem:
        problems.append(Problem(row.line, "the row", row.problem))
        return None
    errors: dict[str, str] = {}
    values = read_connection(row.data, _MORE, errors)
    for name in ("type", "mode"):
        # A form has a harmless default; a file that does not say whether it means real money is refused.
        if row.data.get(name) is None:
            errors[name] = "is missing"
    owners.assign(values, row.line, errors)
    problems += [Problem(row.line, name, reason) for name, reason in errors.items()]
    return None if errors else values


def _make(values: dict[str, Any]) -> ExecutionConnection:
    credentials = values.pop("credentials")
    connection = ExecutionConnection(**values)
    connection.set_credentials(credentials)
    return connection


def _audit(actor: audit.Actor, made: Sequence[ExecutionConnection]) -> None:
    for connection in made:
        audit.record(
            actor, "portal.connection.imported", "connection", connection.id,
            name=connection.name, exchange=connection.exchange_name, mode=connection.mode.value,
            owner_id=connection.owner_id,
        )  # fmt: skip
    db.session.flush()
