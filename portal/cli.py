"""The console script `portal`: the menu of commands, and how their errors become sentences and exit codes.

Exit codes: 0 done, 1 failed, 2 misuse. A command is imported when it is run, so that the menu and `portal
sandbox` start quickly; what a command does is in `portal/commands/`.
"""

from importlib import import_module
from typing import Any

import click

#: Every command: where it lives, and what it does in one line.
COMMANDS = {
    "up": ("processes:up", "Run everything on this machine; ctrl-C stops it all."),
    "web": ("processes:web", "Run the web server: pages, API and webhooks."),
    "worker": ("processes:worker", "Run one worker process."),
    "scheduler": ("processes:scheduler", "Run the clock for periodic jobs."),
    "sandbox": ("processes:sandbox", "Run the practice exchange."),
    "db": ("database:database", "Look after the database schema."),
    "check": ("check:check", "Check settings, services and data; every finding has a hint."),
    "create-user": ("people:create_user", "Create a person who can log in."),
    "create-token": ("people:create_token", "Create an API token and print it once."),
    "import-connections": ("imports:import_connections", "Import accounts from JSON or CSV, all or nothing."),
    "import-presets": ("imports:import_presets", "Import trading presets from JSON, all or nothing."),
    "allow-withdrawals": (
        "withdrawals:allow_withdrawals",
        "Use a key that can withdraw, as a written exception.",
    ),
    "refuse-withdrawals": (
        "withdrawals:refuse_withdrawals",
        "End the exception for a key that can withdraw.",
    ),
    "rotate-keys": ("keys:rotate_keys", "Encrypt all credentials with the first key again."),
    "verify-books": ("books:verify_books", "Prove that positions are the sum of their fills."),
    "reconcile": ("books:reconcile", "Compare connections with their exchanges now."),
    "halt": ("switches:halt", "Stop trading: no order is placed."),
    "reduce": ("switches:reduce", "Only exits: entries are denied."),
    "resume": ("switches:resume", "Trade again."),
    "sbom": ("sbom:sbom", "Print what this installation is made of, for scanners."),
    "demo": ("demo:demo", "Tell the whole story in the terminal, and prove it."),
    "seed-demo": ("demo:seed_demo", "Fill the database with the demo content, once."),
}


class Menu(click.Group):
    """Knows the commands by name and imports the one that is asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        module, _, name = COMMANDS[cmd_name][0].partition(":")
        command: click.Command = getattr(import_module(f"portal.commands.{module}"), name)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, words) for name, (_, words) in COMMANDS.items()])

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command; an error that a person can meet becomes one sentence on stderr."""
        try:
            return super().invoke(ctx)
        except (click.ClickException, click.exceptions.Exit, click.Abort):
            raise
        except Exception as error:
            from portal.commands.failures import explain

            failure = explain(error)
            if failure is None:
                raise
            raise failure from None


@click.group(cls=Menu, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
def main() -> None:
    """Portico, a trade execution portal. `portal up --demo` is a good start."""
