"""The console on which commands print their tables."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from tqdm import tqdm

_Thing = TypeVar("_Thing")

_WIDE = 240  # characters: no table of ours is wider


def make_console(**options: Any) -> Console:
    """Return a console that never cuts a table where the output is no terminal; options are rich's."""
    return Console(highlight=False, width=None if sys.stdout.isatty() else _WIDE, **options)


@contextmanager
def working(what: str) -> Iterator[None]:
    """Show on a terminal's stderr that something goes on and for how long; elsewhere nothing is written."""
    console = Console(stderr=True)
    if not console.is_terminal:
        yield
        return
    columns = SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn()
    with Progress(*columns, console=console, transient=True) as progress:
        progress.add_task(what, total=None)
        yield


def progress_of(things: Iterable[_Thing], what: str, total: int | None = None) -> Iterable[_Thing]:
    """Yield the things; after two seconds a bar of them stands on a terminal's stderr."""
    bar: Iterable[_Thing] = tqdm(things, desc=what, total=total, delay=2, disable=None, leave=False)
    return bar


def say_next(*commands: str) -> None:
    """Print what to type next: arguments of `python -m sb3_ecom`, one command each."""
    lines = [f"python -m sb3_ecom {command}" for command in commands]
    print("next:", *lines, sep=" " if len(lines) == 1 else "\n  ")
