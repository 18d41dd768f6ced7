"""`portal seed-demo` and `portal demo`."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

import click

from portal.commands.context import finish_with, portal_app

if TYPE_CHECKING:
    from portal.services.demo import Seeded


@click.command("seed-demo")
def seed_demo() -> None:
    """Fill the database with the demo content, once: people, plans, presets and practice accounts."""
    from portal.errors import ConfigError
    from portal.exchanges.sandbox.client import SandboxControl
    from portal.services import demo
    from portal.services.audit import COMMAND_LINE

    with portal_app() as app:
        settings = app.extensions["portal_settings"]
        url = settings.exchange_urls.get("sandbox")
        if url is None:
            raise ConfigError(
                "The practice exchange has no address, so the demo was not set up. `portal up --demo` does "
                "all of it; or start `portal sandbox` and set PORTAL_EXCHANGE_URLS."
            )
        seeded = demo.seed(SandboxControl(url), actor=COMMAND_LINE)
    click.echo(_welcome(seeded, settings.public_url) if seeded else "The demo content is there already.")


@click.command("demo")
@click.option("--keep", is_flag=True, help="Keep the data directory, to look at it afterwards.")
def demo(keep: bool) -> None:
    """Tell the whole story in the terminal, on a data directory of its own, and prove that it happened.

    A signal by webhook, orders on a dozen practice accounts, one lost answer, positions, targets, stops,
    nightly figures. Exit code 0 only when orders counted at the exchange, positions and books agree.
    """
    from portal.commands.demo_stage import run_demo

    finish_with(run_demo(keep=keep))


def _welcome(seeded: "Seeded", url: str) -> str:
    from portal.services.demo_content import SPOT_PLAN

    lines = ["The demo is set up. These passwords and this token are shown once:", ""]
    lines += _table(seeded.passwords)
    lines += [
        "",
        f"{seeded.connections} practice accounts wait for signals; one loses every other answer on purpose.",
        f"Publish the draft signal #{seeded.draft_id} in the admin panel, or send one yourself:",
        "",
        f"  curl -X POST {url}/hooks/tradingview/{seeded.token} \\",
        f"       -d 'symbol=BTCUSDT; direction=buy; sl={seeded.stop}; plan={SPOT_PLAN}'",
    ]
    return "\n".join(lines)


def _table(passwords: Mapping[str, str]) -> list[str]:
    width = max(map(len, passwords))
    return [f"  {email:<{width}}  {password}" for email, password in passwords.items()]
