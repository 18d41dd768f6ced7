"""Which processes `portal up` runs, and the environment they get. Starts nothing."""

import json
import signal
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from portal.config import SECRET_FILES, Settings
from portal.embedded.children import ProcessSpec

PORTAL = (sys.executable, "-m", "portal")
#: The practice exchange speaks for these ccxt names.
SANDBOX_EXCHANGES = ("sandbox", "sandboxusdm")


@dataclass(frozen=True, slots=True)
class Plan:
    """What to run: the command, the two ports, how many workers, and where the data is."""

    portal: tuple[str, ...]
    port: int
    sandbox_port: int
    workers: int
    data_dir: Path

    @property
    def sandbox_url(self) -> str:
        return f"http://127.0.0.1:{self.sandbox_port}"


def process_table(plan: Plan) -> list[ProcessSpec]:
    """Stages start upwards and stop downwards: the clock first, the practice exchange last."""

    def row(
        name: str, *arguments: str, stage: int, stop_seconds: float, orphan: int = signal.SIGTERM
    ) -> ProcessSpec:
        return ProcessSpec(
            name, (*plan.portal, *arguments), stage=stage, stop_seconds=stop_seconds, orphan_signal=orphan
        )

    sandbox_data = str(plan.data_dir / "sandbox")
    return [
        row(
            "sandbox",
            "sandbox",
            "--port",
            str(plan.sandbox_port),
            "--data",
            sandbox_data,
            stage=1,
            stop_seconds=5,
        ),
        *(
            # Warm: an order that is on its way is waited for.
            row(f"worker.{number}", "worker", stage=2, stop_seconds=20)
            for number in range(1, plan.workers + 1)
        ),
        # Orphaned, it must let go of the port at once: the next start wants it. SIGQUIT is gunicorn's word.
        row("web", "web", "--port", str(plan.port), stage=3, stop_seconds=10, orphan=signal.SIGQUIT),
        row("scheduler", "scheduler", stage=4, stop_seconds=5),
    ]


def child_env(settings: Settings, plan: Plan, environ: Mapping[str, str]) -> dict[str, str]:
    """The environment of the children: ours, completed with what is embedded. Secrets go by file name."""
    env = dict(environ)
    env["PORTAL_DATA_DIR"] = str(plan.data_dir)
    env["PYTHONUNBUFFERED"] = "1"
    for name, url in {"DATABASE_URL": settings.database_url, "REDIS_URL": settings.redis_url}.items():
        if url and not env.get(name) and not env.get(f"{name}_FILE"):
            env[name] = url
    for name, path in SECRET_FILES.items():
        if not env.get(name) and not env.get(f"{name}_FILE"):
            env[f"{name}_FILE"] = str(plan.data_dir / path)
    urls = dict.fromkeys(SANDBOX_EXCHANGES, plan.sandbox_url) | dict(settings.exchange_urls)
    env["PORTAL_EXCHANGE_URLS"] = json.dumps(urls)
    if not env.get("PORTAL_PUBLIC_URL"):
        env["PORTAL_PUBLIC_URL"] = f"http://127.0.0.1:{plan.port}"
    return env
