"""Textbook platforms for EcomAdsRank, from observations and the known laws of the market."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from sb3_ecom.core.arrays import Floats
from sb3_ecom.core.registry import Policy
from sb3_ecom.core.task import Task
from sb3_ecom.envs.advertising.rank import planning
from sb3_ecom.envs.advertising.rank.dynamics import MAX_LOG_RESERVE, next_experience
from sb3_ecom.envs.advertising.rank.env import RankTask
from sb3_ecom.envs.advertising.rank.tracker import LAYOUT
from sb3_ecom.envs.advertising.rank.virtual_value import myerson_reserve

_RATE_SD = 0.25  # of the log rate of leaving of 13 visitors


class Observed(NamedTuple):
    """An observation in natural units, (n,) each; after `present` all is about yesterday."""

    day: Floats
    active: Floats
    present: Floats
    valid: NDArray[np.bool_]
    log_bid: Floats
    reserve: Floats  # log
    exponent: Floats
    coverage: Floats
    predicted: Floats  # clicks per page, against a page full of median ads
    growth: Floats  # change of the active share


def unscale(task: RankTask, observation: NDArray[np.float32]) -> Observed:
    """Undo the scaling of `RankTracker.observe`."""
    context, history = LAYOUT.split(observation.astype(np.float64))
    last = history[:, -1]
    return Observed(
        np.rint((1.0 - context[:, 0]) * task.horizon),
        context[:, 1],
        context[:, 2],
        last[:, 0] > 0.5,
        last[:, 1],
        last[:, 2] * MAX_LOG_RESERVE,
        last[:, 3],
        last[:, 5],
        last[:, 7],
        last[:, 8] / 20.0,
    )


def _rank(task: Task) -> RankTask:
    if not isinstance(task, RankTask):
        raise ValueError(f"a policy of EcomAdsRank needs its task, got {type(task).__name__}")
    return task


def constant(task: Task, log_reserve: float = -1.4, exponent: float = 0.8) -> Policy:
    """Keep the best of a grid of constants (`oracle.grid_of_constants`)."""
    pair = planning.ranking_action(np.asarray(log_reserve), np.asarray(exponent))
    return lambda observation: np.tile(pair, (len(observation), 1))


def myerson(task: Task) -> Policy:
    """Rank by expected revenue (g = 1) above Myerson's reserve for the mean value level."""
    reserve = myerson_reserve(0.0, _rank(task).params.value_sd)
    return constant(task, reserve, 1.0)


class Belief:
    """Beliefs from bids and departures: a Kalman filter of the value level, a Bayes filter of touchiness."""

    def __init__(self, task: RankTask) -> None:
        self._task, self._fluid = task, planning.build_fluid(task.params)
        self.level, self._var = np.zeros(0), np.zeros(0)
        self.touchy = np.zeros(0)  # chance
        self.experience = np.zeros(0)  # expectation
        self._before = np.zeros(0)  # active users a day ago

    def update(self, observed: Observed) -> None:
        """Take in yesterday."""
        params, fresh = self._task.params, ~observed.valid
        if self.level.size != fresh.size:
            self.level, self._var, self.touchy, self.experience, self._before = np.zeros((5, fresh.size))
            fresh = np.ones_like(fresh)  # whatever it is shown first, it knows nothing yet
        self.level[fresh], self._var[fresh] = 0.0, params.level_sd**2
        self.touchy[fresh], self.experience[fresh] = 0.5, 0.5 * (params.pricing == "gsp")
        if not fresh.all():
            self._weigh_bids(observed)
            self._weigh_departures(observed)
            if params.pricing == "gsp":
                after = next_experience(self.experience, params)
                self.experience = np.where(observed.valid, after, 0.5)
        self._before = observed.active * 1.0

    def _weigh_bids(self, observed: Observed) -> None:
        params = self._task.params
        ads = np.maximum(params.visitors * self._before * params.ads * observed.present, 1.0)
        noise = params.value_sd**2 / ads + 0.002
        gain = self._var / (self._var + noise)
        shading = _look_up(self._fluid.shading, observed.reserve - self.level, observed, self.experience)
        level = self.level + gain * (observed.log_bid - shading - self.level)
        var = (1 - gain) * self._var
        ar = params.level_ar
        self.level = np.where(observed.valid, ar * level, self.level)
        self._var = np.where(observed.valid, ar**2 * var + params.level_sd**2 * (1 - ar**2), self._var)

    def _weigh_departures(self, observed: Observed) -> None:
        params = self._task.params
        if params.annoyance * params.leave * params.touchiness == 0.0:
            return
        gone = params.comeback * (1 - self._before) - observed.growth
        rate = np.clip(gone / np.maximum(self._before, 1e-3), 1e-6, 0.5)
        calm, touchy = (
            np.log(
                _look_up(
                    self._fluid.leaving[..., k], observed.reserve - self.level, observed, self.experience
                )
            )
            for k in range(2)
        )
        gap = np.clip(np.log(rate), calm - 1.0, touchy + 1.0) - (calm + touchy) / 2
        before = np.where(observed.valid, self.touchy, 0.5)
        odds = np.log(before / (1 - before))
        # Visitors leave by their own page, so that a day's log rate has a standard deviation of about this.
        odds += gap * (touchy - calm) / (_RATE_SD**2 * 13 / np.maximum(params.visitors * self._before, 1.0))
        chance = 1 / (1 + np.exp(-np.clip(odds, -9, 9)))
        moved = chance * (1 - params.switch) + (1 - chance) * params.switch
        self.touchy = np.where(observed.valid, moved, self.touchy)


def _look_up(table: Floats, reserve: Floats, observed: Observed, experience: Floats) -> Floats:
    from scipy import ndimage

    grids = (planning.RESERVES, planning.EXPONENTS, planning.PRESENT, planning.EXPERIENCE)
    wanted = (reserve, observed.exponent, observed.present, experience)
    places = [np.interp(x, grid, np.arange(grid.size)) for x, grid in zip(wanted, grids, strict=True)]
    return np.asarray(ndimage.map_coordinates(table, places, order=1, mode="nearest"))


def tracking(task: Task, log_reserve: float = -0.8, exponent: float = 0.9) -> Policy:
    """Move the reserve with the value level inferred from bids; keep the exponent."""
    own = _rank(task)
    belief = Belief(own)

    def choose(observation: NDArray[np.float32]) -> NDArray[np.float32]:
        belief.update(unscale(own, observation))
        return planning.ranking_action(belief.level + log_reserve, np.full(belief.level.shape, exponent))

    return choose


def planned(task: Task) -> Policy:
    """Follow the fluid model's plan at the believed market."""
    own = _rank(task)
    belief, plan = Belief(own), planning.solve(own.params)

    def choose(observation: NDArray[np.float32]) -> NDArray[np.float32]:
        observed = unscale(own, observation)
        belief.update(observed)
        return planning.decide(
            plan,
            observed.day,
            observed.active,
            observed.present,
            belief.experience,
            belief.level,
            belief.touchy,
        )

    return choose
