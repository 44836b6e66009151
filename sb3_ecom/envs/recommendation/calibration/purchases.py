"""The level of purchases, from a log that tells them."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np

from sb3_ecom.core.evaluate import run_episodes
from sb3_ecom.core.loop import StepLoop
from sb3_ecom.envs.recommendation.session.env import SessionTask
from sb3_ecom.envs.recommendation.session.params import SessionParams

_SESSIONS = 1000
_ROUNDS = 5  # the error shrinks about tenfold in each
_RAREST = 1e-4  # a share of 0 among the simulated clicks counts as this


def match_purchases(
    params: SessionParams, share: float, clicks: int, seed: int = 0
) -> tuple[SessionParams, float]:
    """Set `buy_base` so that simulated clicks end in a purchase as often as logged ones.

    How price, match and quality move a purchase stays assumed: a share tells nothing of them.

    Args:
        params: fitted to the clicks.
        share: purchases per click in the log, in (0, 1).
        clicks: in the log.
        seed: of the simulated sessions; every trial meets the same ones.

    Returns:
        The parameters and the standard error of `buy_base`.

    Raises:
        ValueError: if `share` is not in (0, 1).
    """
    if not 0 < share < 1:
        raise ValueError(f"purchases per click must be in (0, 1), got {share}")
    for _ in range(_ROUNDS):
        found = min(max(simulated_share(params, seed), _RAREST), 1 - _RAREST)
        params = replace(params, buy_base=params.buy_base + _logit(share) - _logit(found))
    return replace(params, buy_base=round(params.buy_base, 3)), 1 / math.sqrt(clicks * share * (1 - share))


def simulated_share(params: SessionParams, seed: int = 0) -> float:
    """Return purchases per click of simulated sessions on the shop's own ranking (the zero action)."""
    task = SessionTask(params)
    action = np.zeros((_SESSIONS, *(task.action_space.shape or ())), dtype=np.float32)
    totals = run_episodes(StepLoop(task, _SESSIONS), lambda observation: action, seed)
    return float(totals["purchases"].sum() / max(1.0, totals["clicks"].sum()))


def _logit(share: float) -> float:
    return math.log(share / (1 - share))
