"""What commands share: the application with its database and Redis, and printing a report. Imports nothing
heavy."""

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TypeVar

import click

if TYPE_CHECKING:
    from flask import Flask

Command = TypeVar("Command", bound=Callable[..., Any])


@contextmanager
def portal_app() -> "Iterator[Flask]":
    """The application inside its context. Without addresses in the environment the embedded services of
    the data dir are shared, or started for as long as the block runs. Raises PortalError."""
    from portal import create_app, embedded
    from portal.config import Settings
    from portal.db import db

    with embedded.services(Settings.from_env()) as settings:
        app = create_app(settings, faces=False)
        with app.app_context():
            try:
                yield app
            finally:
                db.session.remove()
                db.engine.dispose()


def json_option(command: Command) -> Command:
    """`--json`: one JSON object on stdout instead of sentences."""
    return click.option(
        "--json", "as_json", is_flag=True, help="Print one JSON object instead of sentences."
    )(command)


def report(as_json: bool, data: Mapping[str, Any], *lines: str) -> None:
    """Print what was done, for people or for machines."""
    if as_json:
        click.echo(json.dumps(data, default=str))
        return
    for line in lines:
        click.echo(line)


def finish_with(code: int) -> None:
    """End the running command with this exit code; everything was said already."""
    if code:
        click.get_current_context().exit(code)
