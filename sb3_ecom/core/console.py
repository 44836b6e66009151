"""The console on which commands print their tables."""

from __future__ import annotations

import sys
from typing import Any

from rich.console import Console

_WIDE = 240  # characters: no table of ours is wider


def make_console(**options: Any) -> Console:
    """Return a console that never cuts a table where the output is no terminal; options are rich's."""
    return Console(highlight=False, width=None if sys.stdout.isatty() else _WIDE, **options)
