"""Best known session policies: clairvoyants see the visitor, a planner sees what the agent sees."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

from sb3_ecom.core.arrays import Array
from sb3_ecom.core.effort import refuse_if_cheap
from sb3_ecom.core.evaluate import simulate_oracle
from sb3_ecom.core.loop import StepLoop
from sb3_ecom.core.oracle_weights import only_weight
from sb3_ecom.core.registry import Oracle, Policy
from sb3_ecom.envs.recommendation.session.belief import ShopBelief
from sb3_ecom.envs.recommendation.session.dynamics import attraction
from sb3_ecom.envs.recommendation.session.env import SessionTask
from sb3_ecom.envs.recommendation.session.planning import Belief, Planner, fit_planner
from sb3_ecom.envs.recommendation.session.tiny import solve_tiny, why_not_tiny


class Truth:
    """The visitor as he is: taste, satiation, satisfaction and patience."""

    def __init__(self, loop: StepLoop) -> None:
        self._loop = loop
        self._tables = loop.task.tables.hidden

    def __call__(self, observation: Array) -> Belief:
        """Return the state itself; the observation adds nothing."""
        visit = self._loop.state.hidden
        opened = self._loop.state.tracked.opened.copy()
        weights = attraction(self._tables, visit.taste) * ~opened
        return Belief(
            taste=visit.taste,
            weights=weights,
            satiation=visit.satiation,
            satisfaction=visit.satisfaction,
            patience=visit.patience,
            opened=opened,
            page=visit.page,
        )


def myopic_clairvoyant(loop: StepLoop) -> Policy:
    """See the visitor, and show the K items most likely to be clicked now."""
    planner, truth = Planner(cast(SessionTask, loop.task)), Truth(loop)
    return lambda observation: planner.page(truth(observation))


def lookahead_clairvoyant(loop: StepLoop) -> Policy:
    """See the visitor, and weigh what each click does to the rest of his session."""
    planner, truth = _fitted(cast(SessionTask, loop.task), Truth), Truth(loop)
    return lambda observation: planner.page(truth(observation))


class HistoryPlanner:
    """Plan as `lookahead_clairvoyant` does, from the agent's own history through a Bayesian filter."""

    def __init__(self, loop: StepLoop) -> None:
        self._planner = _fitted(cast(SessionTask, loop.task), ShopBelief)
        self._belief = ShopBelief(loop)

    def __call__(self, observation: Array) -> Array:
        """Return the (n, K) slate."""
        return self._planner.page(self._belief(observation))

    def episode_ended(self, rows: Array) -> None:
        """Start the belief of these copies anew."""
        self._belief.episode_ended(rows)


_FITTED: dict[tuple[int, str], tuple[SessionTask, Planner]] = {}


def _fitted(task: SessionTask, believe: Callable[[StepLoop], Any]) -> Planner:
    """Return the planner fitted for a task and a way of knowing; fitted once per set of parameters."""
    key = (id(task.params), believe.__name__)
    if key not in _FITTED:
        refuse_if_cheap("a planner is fitted to visits")
        _FITTED[key] = (task, fit_planner(task, believe))  # holding the task keeps its id its own
    return _FITTED[key][1]


_ORACLE_EPISODES = 1024


def oracle(task: SessionTask) -> Oracle:
    """Return the optimum of a tiny shop, else the look-ahead clairvoyant's return on common visitors.

    Raises:
        ValueError: if the reward pays anything but clicks.
    """
    weight = only_weight(task, "clicks")
    if not why_not_tiny(task.params):
        tiny = solve_tiny(task)
        return Oracle(
            kind="optimal",
            value=weight * tiny.value,
            stderr=0.0,
            information="what the agent sees; nothing is hidden in a tiny shop",
            policy=tiny.policy,
        )
    information = "the visitor's taste and patience, and how he decides; not the noise"
    return simulate_oracle(task, lookahead_clairvoyant, "best-known", information, _ORACLE_EPISODES)
