"""Stands in for the `portal` command in supervisor tests: same arguments, no Portico. Run as a script.

Every start and every stop of a process is a line in $STANDIN_JOURNAL.
"""

import http.server
import os
import signal
import sys
import time
from pathlib import Path


def note(what: str) -> None:
    with Path(os.environ["STANDIN_JOURNAL"]).open("a") as journal:
        journal.write(f"{what} {os.getpid()}\n")


class Healthy(http.server.BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"ok")

    def log_message(self, *_: object) -> None:
        """Quiet."""


def main(arguments: list[str]) -> None:
    name = arguments[0]
    if name in os.environ.get("STANDIN_FAILS", "").split(","):
        sys.exit(f"{name} cannot do that")
    if name == "db":
        return note("migrated")
    if name == "seed-demo":
        print("admin password: hunter2-only-once")
        return note("seeded")

    def end(number: int, _frame: object) -> None:
        note(f"stopped {name} by {signal.Signals(number).name}")
        os._exit(0)

    for number in (signal.SIGTERM, signal.SIGQUIT):
        signal.signal(number, end)
    note(f"started {name}")
    print(f"{name} is up", flush=True)
    if "--port" in arguments:
        port = int(arguments[arguments.index("--port") + 1])
        http.server.HTTPServer(("127.0.0.1", port), Healthy).serve_forever()
    while True:
        time.sleep(0.2)


if __name__ == "__main__":
    main(sys.argv[1:])
