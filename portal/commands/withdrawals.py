"""`portal allow-withdrawals` and `refuse-withdrawals`: the written exception for a key that can withdraw."""

import click

from portal.commands.context import json_option, portal_app, report


@click.command("allow-withdrawals")
@click.argument("connection_id", metavar="CONNECTION", type=click.IntRange(min=1))
@click.option("--reason", required=True, help="Why this key may be used; kept, shown and audited.")
@json_option
def allow_withdrawals(connection_id: int, reason: str, as_json: bool) -> None:
    """Use a key that can withdraw on CONNECTION (its number), until the key is replaced."""
    from portal.services import connections
    from portal.services.audit import COMMAND_LINE

    with portal_app():
        row = connections.allow_withdrawals(connection_id, reason, actor=COMMAND_LINE)
        data = {"connection": row.id, "name": row.name, "withdrawal_override": row.withdrawal_override}
    report(
        as_json,
        data,
        f"{data['name']} may use a key that can withdraw, until the key is replaced. A worker tests it now.",
    )


@click.command("refuse-withdrawals")
@click.argument("connection_id", metavar="CONNECTION", type=click.IntRange(min=1))
@json_option
def refuse_withdrawals(connection_id: int, as_json: bool) -> None:
    """End the exception of CONNECTION; a key that can withdraw is refused again."""
    from portal.services import connections
    from portal.services.audit import COMMAND_LINE

    with portal_app():
        row = connections.refuse_withdrawals(connection_id, actor=COMMAND_LINE)
        data = {"connection": row.id, "name": row.name, "status": row.status.value}
    report(as_json, data, f"{data['name']} must not use a key that can withdraw; it is {data['status']} now.")
