"""A planner that follows the quality of late conversions by smoothing: for campaigns that are new."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from sb3_ecom.core.arrays import Floats
from sb3_ecom.core.registry import Policy
from sb3_ecom.core.task import Task
from sb3_ecom.envs.advertising.pacing.baselines import ModelPredictive, pacing_task
from sb3_ecom.envs.advertising.pacing.dynamics import arriving
from sb3_ecom.envs.advertising.pacing.env import PacingTask
from sb3_ecom.envs.advertising.pacing.planning import Observed


class Smoothed(ModelPredictive):
    """A planner that scales quality by the ratio of recent conversions to those of the whole day.

    Hours and regimes are taken as unknown, the mean delay as known: conversions are compared with those that
    neutral quality would have brought by now. Only the ratio of now and the rest of the day matters for a
    budget, so the campaign's own level cancels.

    Args:
        task: the market.
        decay: weight of the past tick after one more tick, in [0, 1).
        prior: conversions that both estimates start with, > 0.
        gain: share of the log ratio that is believed.
        persistence: share of the ratio that is left after one more tick, when planning.
    """

    def __init__(
        self, task: PacingTask, *, decay: float, prior: float, gain: float, persistence: float
    ) -> None:
        super().__init__(task, dayparting=False, feedback=True)
        self._decay, self._prior, self._gain, self._persistence = decay, prior, gain, persistence
        self._sums = np.zeros((5, 0))

    def _update_quality(self, observed: Observed, before: NDArray[np.int64]) -> None:
        """Take in the conversions of a tick: lately and all day, each beside what neutral quality gives."""
        if self._sums.shape[1] != observed.valid.size:
            self._sums = np.zeros((5, observed.valid.size))
        came, due, all_came, all_due, waiting = self._sums
        waiting = waiting + observed.neutral
        arrived = arriving(waiting, self._task.params)
        came, due = self._decay * came + observed.conversions, self._decay * due + arrived
        moved = (came, due, all_came + observed.conversions, all_due + arrived, waiting - arrived)
        self._sums = np.where(observed.valid, np.stack(moved), 0.0)

    def memory(self) -> dict[str, Floats]:
        """Return the beliefs about the market and the conversions so far, by name."""
        return {**super().memory(), "sums": self._sums}

    def recall(self, memory: Mapping[str, Floats]) -> None:
        """Take over the beliefs of another bidder."""
        super().recall(memory)
        self._sums = memory["sums"]

    def swing(self, rows: NDArray[np.int64], ahead: slice) -> Floats:
        """Return (n, 1): the hours are not known."""
        return np.zeros((rows.size, 1))

    def regime(self, rows: NDArray[np.int64], ticks: int) -> Floats:
        """Return (n, ticks) log quality against the day's."""
        came, due, all_came, all_due, _ = self._sums[:, rows]
        level = (all_came + self._prior) / (all_due + self._prior)
        lately = (came + self._prior * level) / (due + self._prior)
        ratio = self._gain * np.log(lately / level)
        return np.asarray(ratio[:, None] * self._persistence ** np.arange(ticks))


def model_predictive_smoothed(
    task: Task, decay: float = 0.01, prior: float = 20.0, gain: float = 1.6, persistence: float = 0.6
) -> Policy:
    """Plan with the quality that the last conversions suggest, taking nothing of it for known.

    The defaults are those of the preset "newcampaign" (benchmarks/studies/new_campaign_rules.py --tune).
    """
    return Smoothed(pacing_task(task), decay=decay, prior=prior, gain=gain, persistence=persistence)
