"""A progress bar on stderr, when somebody is looking."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

#: Called with (done, of how many).
Progress = Callable[[int, int], None]


@contextmanager
def counting(title: str) -> Iterator[Progress]:
    """Yields a function that moves the bar; without a terminal it does nothing."""
    if not sys.stderr.isatty():
        yield lambda done, total: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn
    from rich.progress import Progress as Bar

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Bar(*columns, console=Console(stderr=True)) as bar:
        task = bar.add_task(title, total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)
