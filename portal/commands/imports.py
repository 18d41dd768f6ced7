"""`portal import-connections` and `portal import-presets`."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from portal.commands.context import finish_with, json_option, portal_app, report
from portal.commands.progress import counting

if TYPE_CHECKING:
    from portal.services.importing_report import ImportResult

_FILE = click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))


@click.command("import-connections")
@_FILE
@click.option(
    "--owner", metavar="EMAIL", help="Whose the accounts are. Without it: the only administrator's."
)
@json_option
def import_connections(file: Path, owner: str | None, as_json: bool) -> None:
    """Import accounts from FILE (.json or .csv), all or nothing.

    Each refused row is printed with its line and the reason; then nothing was imported.
    """
    from portal.services import importing, users
    from portal.services.audit import COMMAND_LINE
    from portal.services.importing_files import read_rows

    rows = read_rows(file)
    with portal_app(), counting("Importing") as progress:
        person = users.find_user(owner) if owner else None
        result = importing.import_connections(rows, owner=person, actor=COMMAND_LINE, progress=progress)
    _report(result, "connections", file, as_json)


@click.command("import-presets")
@_FILE
@json_option
def import_presets(file: Path, as_json: bool) -> None:
    """Import trading presets from FILE (.json), all or nothing. A preset whose name exists is updated."""
    from portal.services import importing
    from portal.services.audit import COMMAND_LINE
    from portal.services.importing_files import read_rows

    if file.suffix.lower() != ".json":
        raise click.UsageError(f"{file.name} must be a .json file.")
    rows = read_rows(file)
    with portal_app(), counting("Importing") as progress:
        result = importing.import_presets(rows, actor=COMMAND_LINE, progress=progress)
    _report(result, "presets", file, as_json)


def _report(result: "ImportResult", what: str, file: Path, as_json: bool) -> None:
    for problem in result.problems:
        click.echo(f"{file.name}, {problem}", err=True)
    data = {
        "imported": len(result.added),
        "updated": len(result.updated),
        "errors": [{"line": p.line, "field": p.field, "reason": p.reason} for p in result.problems],
    }
    if result.problems:
        lines = len({problem.line for problem in result.problems})
        click.echo(f"Nothing was imported: {lines} rows of {file.name} were refused.", err=True)
        report(as_json, data)
        finish_with(1)
    said = f"Imported {len(result.added)} {what}"
    report(as_json, data, said + (f", updated {len(result.updated)}." if result.updated else "."))
