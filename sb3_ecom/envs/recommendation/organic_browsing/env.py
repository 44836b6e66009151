"""EcomRecOrganic-v0: recommend to visitors whose taste shows in what they look at by themselves."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np
from gymnasium import spaces

from sb3_ecom.core.arrays import Array, Backend
from sb3_ecom.core.spaces import Layout, LayoutBox
from sb3_ecom.core.task import Metric, Task, check_reward_weights, make_params
from sb3_ecom.core.tracker import State, TaskTables
from sb3_ecom.envs.recommendation.organic_browsing import dynamics, tracker
from sb3_ecom.envs.recommendation.organic_browsing.dynamics import Hidden, Noise, Outcome, Tables
from sb3_ecom.envs.recommendation.organic_browsing.params import OrganicBrowsingParams
from sb3_ecom.envs.recommendation.organic_browsing.render import render
from sb3_ecom.envs.recommendation.organic_browsing.rewards import TERMS, reward_terms
from sb3_ecom.envs.recommendation.organic_browsing.tracker import (
    FACTS,
    Event,
    Opening,
    OrganicBrowsingTracker,
)


class OrganicBrowsingTask(Task):
    """Recommend one of P products whenever the visitor looks at an advertisement.

    A visitor alternates between looking around by himself and places where a recommendation is shown. He
    clicks one recommendation in fifty; what he looks at tells far more about his taste than clicks do, but
    each view tells little, so a policy has to remember. One step is one event: while the visitor looks around
    (``asked`` = 0) the action has no effect.

    Observation:
        Flat `LayoutBox`. Context: asked, views since the last recommendation / 5 (at most 4), events so
        far / 100. History: the
        last 10 views and clicks, newest last, each with validity, clicked (else viewed), event number / 100
        and the product's code (one-hot for P <= 16, else 16 floats that tell products apart).

    Action:
        Discrete(P): the product to recommend.

    Reward:
        ``clicks`` (weight 1).

    Episode:
        Terminated when the visitor leaves (after 100 events or so), truncated after 300.

    Source:
        Rohde et al. 2018, RecoGym (arXiv:1808.00720), environment "reco-gym-v1", without its clock. There a
        whole browsing session is one step, and popularity has sd 3, so that showing the most popular product
        is nearly all there is to learn; here it has sd 1 unless ``popularity_sd`` says otherwise.

    Versions:
        v0: first.
    """

    metrics: ClassVar[tuple[Metric, ...]] = (
        Metric("ctr", "clicks", "recommendations"),
        Metric("expected_ctr", "rate", "recommendations"),
        Metric("recommendations", "recommendations"),
        Metric("events", "length"),
    )
    step_info_keys: ClassVar[tuple[str, ...]] = ("product", "asked")
    observation_space: LayoutBox

    def __init__(self, reward_weights: Mapping[str, float] | None = None, **params: Any) -> None:
        self.params = make_params("EcomRecOrganic", OrganicBrowsingParams, **params)
        p = self.params
        self.horizon = p.horizon
        self.reward_weights = check_reward_weights(reward_weights, TERMS, {"clicks": 1.0})
        self.action_space = spaces.Discrete(p.products)
        loading, popularity, partner = p.catalogue()
        code = p.codes()
        self.layout = Layout(3, p.remembered, FACTS + code.shape[1])
        self.observation_space = LayoutBox(self.layout, -5.0, 5.0)
        arrays = (loading, popularity, loading[partner], popularity[partner], code)
        *hidden, public = (np.ascontiguousarray(array, dtype=np.float32) for array in arrays)
        self.tables = TaskTables(Tables(*hidden), tracker.Tables(public))
        self.tracker = OrganicBrowsingTracker(p.remembered)

    def draw_reset(self, source: Backend, n: int) -> Array:
        """Draw tastes."""
        return source.normal((n, self.params.factors))

    def draw_step(self, source: Backend, n: int) -> Noise:
        """Draw the chance of one event."""
        draws = source.uniform((3, n))
        return Noise(draws[0], draws[1], draws[2], source.normal((n, self.params.factors)))

    def start(self, noise: Array) -> tuple[Hidden, Opening]:
        """Return new visitors."""
        hidden = dynamics.start(noise, self.params)
        return hidden, Opening(hidden.asked)

    def simulate(self, hidden: Hidden, decision: Array, noise: Noise) -> tuple[Hidden, Outcome]:
        """Pass one event."""
        return dynamics.step(hidden, decision, noise, self.params, self.tables.hidden)

    def public_event(self, hidden: Hidden, outcome: Outcome) -> Event:
        """Return the view or recommendation, the click, and what is due next."""
        return Event(outcome.product, outcome.asked, outcome.clicked, hidden.asked)

    def terms(self, outcome: Outcome) -> dict[str, Array]:
        """Return clicks."""
        return reward_terms(outcome)

    def terminated(self, outcome: Outcome) -> Array:
        """Return whether the visitor left."""
        return outcome.left

    def counters(self, outcome: Outcome, terms: Mapping[str, Array]) -> dict[str, Array]:
        """Return clicks, recommendations and their chances."""
        return {"clicks": outcome.clicked, "recommendations": outcome.asked, "rate": outcome.rate}

    def render(self, state: State, outcome: Outcome | None, row: int, mode: str) -> Any:
        """Draw what was viewed, and what the visitor would click."""
        return render(self.params, self.tables, state, outcome, row, mode)
