"""Runs `bench.bare` and reads its answer."""

import json
import subprocess
import sys
from collections.abc import Sequence
from typing import Any

from bench.accounts import PAIR
from bench.children import ROOT
from bench.floor import Floor
from portal.exchanges.sandbox.client import SandboxAccount


def bare(what: str, floor: Floor, accounts: Sequence[SandboxAccount] = (), **task: object) -> dict[str, Any]:
    """Let bare ccxt do `what` at this floor's exchange, in its own process."""
    task |= {"what": what, "url": floor.sandbox.url, "symbol": PAIR}
    task["accounts"] = [account.credentials for account in accounts]
    argv = [sys.executable, "-m", "bench.bare"]
    done = subprocess.run(
        argv, input=json.dumps(task), stdout=subprocess.PIPE, text=True, check=True, cwd=ROOT
    )
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer
