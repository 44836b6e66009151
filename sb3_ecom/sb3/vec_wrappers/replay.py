"""Tells a wrapper of the training reward that its environment is for watching a model, not for training."""

from __future__ import annotations

import sys
from types import FrameType

_MAKER = ("rl_zoo3.utils", "create_test_env")  # enjoy and record_video build their environment by it


def is_replay() -> bool:
    """Return whether rl-zoo builds an environment to replay a model (`enjoy`, `record_video`).

    It applies the yml's `vec_env_wrapper` there as it does in training and hands over nothing that tells the
    two apart, so this looks at who calls.
    """
    frame: FrameType | None = sys._getframe(1)
    while frame is not None:
        if (frame.f_globals.get("__name__"), frame.f_code.co_name) == _MAKER:
            return True
        frame = frame.f_back
    return False
