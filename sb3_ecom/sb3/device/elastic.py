"""What a training run of several processes needs to go on after one of them was killed.

``torch.distributed.run --max-restarts N`` starts all processes anew when one dies. They find the run folder
that their launcher's former processes wrote, and its last whole checkpoint.
"""

from __future__ import annotations

import os
import re
import zipfile
from pathlib import Path
from typing import NamedTuple

from sb3_ecom.core.files import write_whole

_MARK = "launcher.txt"
_PREFIX = "rl_model"


class Checkpoint(NamedTuple):
    """A model that was saved in the middle of a run."""

    model: Path
    statistics: Path | None  # of VecNormalize


def mark_run(params_folder: Path) -> None:
    """Write into a run folder which launcher's processes train it."""
    write_whole(params_folder / _MARK, _launcher().encode())


def interrupted_run(log_folder: Path, env_id: str) -> Path | None:
    """Return the run folder of this launcher's former processes, None if they wrote none.

    Args:
        log_folder: rl-zoo's, of the algorithm: ``logs/ppo_device``.
        env_id: of the environment.
    """
    for mark in log_folder.glob(f"{env_id}_*/{env_id}/{_MARK}"):
        if mark.read_text(encoding="utf-8") == _launcher():
            return mark.parent.parent
    return None


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


def _launcher() -> str:
    """Return what tells the launcher from others: the restarted processes are its children too."""
    return f"{os.environ.get('TORCHELASTIC_RUN_ID', 'none')} {os.uname().nodename} {os.getppid()}"
