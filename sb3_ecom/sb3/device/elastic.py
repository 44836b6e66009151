"""What a training run of several processes needs to go on after one of them was killed.

``torch.distributed.run --max-restarts N`` starts all processes anew when one dies. The launcher tells them
the run folder of those before; here they find its last whole checkpoint.
"""

from __future__ import annotations

import re
import zipfile
from pathlib import Path
from typing import NamedTuple

_PREFIX = "rl_model"


class Checkpoint(NamedTuple):
    """A model that was saved in the middle of a run."""

    model: Path
    statistics: Path | None  # of VecNormalize


def last_checkpoint(run: Path) -> Checkpoint | None:
    """Return the newest checkpoint of a run that is whole: a process may have been killed while it wrote."""
    found = {}
    for path in run.glob(f"{_PREFIX}_*_steps.zip"):
        named = re.fullmatch(rf"{_PREFIX}_(\d+)_steps", path.stem)
        if named:
            found[int(named[1])] = path
    for steps, path in sorted(found.items(), reverse=True):
        statistics = run / f"{_PREFIX}_vecnormalize_{steps}_steps.pkl"
        if _is_whole(path):
            return Checkpoint(path, statistics if statistics.is_file() else None)
    return None


def _is_whole(path: Path) -> bool:
    try:
        with zipfile.ZipFile(path) as archive:
            return archive.testzip() is None
    except (zipfile.BadZipFile, OSError):
        return False
