"""`portal verify-books` and `portal reconcile`."""

import dataclasses

import click

from portal.commands.context import finish_with, json_option, portal_app, report


@click.command("verify-books")
@json_option
def verify_books(as_json: bool) -> None:
    """Prove that every position is the sum of its fills; print every disagreement. Changes nothing."""
    from portal.services import books

    with portal_app():
        found = books.verify()
    rows = [dataclasses.asdict(each) for each in found]
    report(
        as_json,
        {"ok": not found, "disagreements": rows},
        *[str(each) for each in found],
        f"{len(found)} disagreements." if found else "The books agree.",
    )
    finish_with(1 if found else 0)


@click.command()
@click.option(
    "--connection", "connection_id", type=click.IntRange(1), help="Id of one connection; all when not given."
)
@json_option
def reconcile(connection_id: int | None, as_json: bool) -> None:
    """Compare connections with their exchanges now, and record what the exchanges say.

    A difference is settled by the second look, at least fifteen seconds after the first. Exit code 1: a read
    failed or a difference stays."""
    from portal.commands.reconciling import as_data, as_lines, reconcile_each

    with portal_app():
        results = reconcile_each(connection_id)
    report(as_json, as_data(results), *as_lines(results))
    finish_with(1 if any(each.stays for each in results) else 0)
