"""`portal halt`, `reduce` and `resume`: the switches that stop trading."""

import click

from portal.commands.context import Command, json_option, portal_app, report


def _options(command: Command) -> Command:
    command = click.option(
        "--scope", default="everything", show_default=True, metavar="SCOPE[:KEY]",
        help="everything, user:EMAIL, exchange:NAME, connection:ID or symbol:BTC/USDT.",
    )(command)  # fmt: skip
    command = click.option("--reason", default="", help="Why, for those who wonder later.")(command)
    return json_option(command)


@click.command()
@_options
def halt(scope: str, reason: str, as_json: bool) -> None:
    """Stop trading: no order is placed, not even an exit."""
    _switch("halted", scope, reason, as_json)


@click.command()
@_options
def reduce(scope: str, reason: str, as_json: bool) -> None:
    """Only exits: entries are denied."""
    _switch("reducing", scope, reason, as_json)


@click.command()
@_options
def resume(scope: str, reason: str, as_json: bool) -> None:
    """Trade again. Switches in other scopes stay as they are."""
    _switch("active", scope, reason, as_json)


def _switch(state: str, scope_text: str, reason: str, as_json: bool) -> None:
    from portal.services import trading_state
    from portal.services.audit import COMMAND_LINE
    from portal.trading.types import TradingStateValue

    scope, key = trading_state.parse_scope(scope_text)
    with portal_app():
        row = trading_state.set_state(scope, key, TradingStateValue(state), reason, actor=COMMAND_LINE)
        data = {"scope": row.scope, "key": row.key, "state": row.state.value, "reason": row.reason}
        others = trading_state.restrictions()
    left = [f"{where} is {value}" for where, value in others.items()]
    line = f"{trading_state.spell(data['scope'], data['key'])} is {state}."
    report(
        as_json,
        data | {"switches": others},
        line,
        *([f"Switches that are not active: {'; '.join(left)}."] if left else []),
    )
