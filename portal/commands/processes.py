"""The long-running commands: everything at once, or one process each for many machines."""

import threading
from contextlib import suppress
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

import click

from portal.commands.context import finish_with, portal_app

if TYPE_CHECKING:
    from flask import Flask

_PORT = click.IntRange(1, 65535)


@click.command()
@click.option("--port", type=_PORT, default=8000, show_default=True, help="Port of the web server.")
@click.option("--demo", is_flag=True, help="Seed the demo content on the first start.")
@click.option("--workers", type=click.IntRange(1, 64), default=1, show_default=True, help="Worker processes.")
def up(port: int, demo: bool, workers: int) -> None:
    """Run everything on this machine under one supervisor; ctrl-C stops it all.

    Brings its own PostgreSQL and Redis when DATABASE_URL and REDIS_URL are not set.
    """
    from portal.commands.up import run_up

    finish_with(run_up(port=port, demo=demo, workers=workers))


@click.command()
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option("--port", type=_PORT, default=8000, show_default=True, help="Port to listen on.")
def web(host: str, port: int) -> None:
    """Run the web server: pages, API and webhooks. Put a reverse proxy with TLS in front of it."""
    from portal.commands.webserver import run_web

    run_web(host, port)


@click.command()
@click.option(
    "--concurrency",
    type=click.IntRange(1, 256),
    help="Jobs at once; PORTAL_WORKER_CONCURRENCY when not given.",
)
def worker(concurrency: int | None) -> None:
    """Run one worker process. SIGTERM lets running jobs finish."""
    from portal.jobs.worker import run_worker

    with portal_app() as app:
        code = run_worker(app, concurrency=concurrency, preload=partial(_warm_up, app))
    finish_with(code)


def _warm_up(app: "Flask") -> None:
    from sqlalchemy.exc import SQLAlchemyError

    from portal.services import venues
    from portal.services.reconciliation import restored, standing

    with app.app_context(), suppress(SQLAlchemyError):
        # Before the first job: after a pause of the whole system no account is as it was. Without a database
        # there is no job either, and the first tick says it again.
        standing.start_anew_after_downtime()
        restored.start_anew_after_restore()
    # Takes two seconds and 90 MB, which the first order should not wait for.
    import_module("portal.exchanges.ccxt_adapter")

    def load_markets() -> None:
        with app.app_context():
            venues.warm()

    # Beside the work: a slow exchange must not keep the orders for others waiting.
    threading.Thread(target=load_markets, name="warm", daemon=True).start()


@click.command()
def scheduler() -> None:
    """Run the clock for periodic jobs. Two of them at once do no harm."""
    from portal.jobs.schedule import run_scheduler

    with portal_app() as app:
        code = run_scheduler(app)
    finish_with(code)


@click.command()
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option("--port", type=_PORT, default=9000, show_default=True, help="Port to listen on.")
@click.option(
    "--data",
    type=click.Path(file_okay=False, path_type=Path),
    help="Directory to remember accounts and orders in.",
)
@click.option("--seed", type=int, default=0, show_default=True, help="Seed of the price walk and of faults.")
def sandbox(host: str, port: int, data: Path | None, seed: int) -> None:
    """Run the practice exchange: a local exchange with moving prices and scripted faults. Needs no
    database."""
    import logging

    from portal.exchanges.sandbox.server import run

    logging.basicConfig(level=logging.INFO, format="%(message)s")
    finish_with(run(port, host, data, seed))
