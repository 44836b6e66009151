"""The level of purchases, from a log that tells them."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace

import numpy as np

from sb3_ecom.core.arrays import Array
from sb3_ecom.core.evaluate import run_episodes
from sb3_ecom.core.fidelity import WORST
from sb3_ecom.core.loop import StepLoop
from sb3_ecom.envs.recommendation.session.env import SessionTask
from sb3_ecom.envs.recommendation.session.params import SessionParams

_SESSIONS = 1000
_LEAST = 5  # purchases among the clicks of so many sessions, below which more of them are simulated
_MOST_SESSIONS = 20_000
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
        ValueError: if `share` is not in (0, 1), or the simulated share stays off by a factor of two.
    """
    if not 0 < share < 1:
        raise ValueError(f"purchases per click must be in (0, 1), got {share}")
    target = max(share, _LEAST / _MOST_SESSIONS)  # rarer ones can not be counted in a simulation
    sessions = int(np.clip(math.ceil(_LEAST / target), _SESSIONS, _MOST_SESSIONS))
    for _ in range(_ROUNDS):
        found = min(max(simulated_share(params, seed, sessions), _RAREST), 1 - _RAREST)
        params = replace(params, buy_base=params.buy_base + _logit(target) - _logit(found))
    found = simulated_share(params, seed, sessions)
    if not target / WORST <= found <= target * WORST:
        raise ValueError(
            f"nothing was written: {share:.4g} purchases per click in the log, but {found:.4g} where the fit "
            f"is simulated, apart by more than a factor of {WORST:g}; check --purchase, or leave it out"
        )
    # So few purchases are in proportion to exp(buy_base).
    params = replace(params, buy_base=params.buy_base + _logit(share) - _logit(target))
    return replace(params, buy_base=round(params.buy_base, 3)), 1 / math.sqrt(clicks * share * (1 - share))


def simulated_share(params: SessionParams, seed: int = 0, sessions: int = _SESSIONS) -> float:
    """Return purchases per click of simulated sessions on the shop's own ranking (the zero action).

    They are simulated a thousand at a time: a large catalogue does not fit the memory more often.
    """
    task = SessionTask(params)
    purchases = clicks = 0.0
    for chunk, first in enumerate(range(0, sessions, _SESSIONS)):
        copies = min(_SESSIONS, sessions - first)
        action = np.zeros((copies, *(task.action_space.shape or ())), dtype=np.float32)
        totals = run_episodes(StepLoop(task, copies), _always(action), seed + chunk)
        purchases += float(totals["purchases"].sum())
        clicks += float(totals["clicks"].sum())
    return purchases / max(1.0, clicks)


def _always(action: Array) -> Callable[[Array], Array]:
    return lambda observation: action


def _logit(share: float) -> float:
    return math.log(share / (1 - share))
