"""What a shop without a learner shows."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np


def win_stay(task: Any) -> Callable[[Any], Any]:
    """Return the policy that repeats a banner that was clicked, else tries the one shown least."""
    banners = task.params.banners

    def policy(observation: Any) -> Any:
        shown, clicks = observation[:, 1 : 1 + banners], observation[:, 1 + banners :]
        return np.where(clicks.max(1) > 0, clicks.argmax(1), shown.argmin(1))

    return policy
