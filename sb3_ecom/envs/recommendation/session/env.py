"""EcomRec: one visitor's session in a web shop, page by page."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Literal, NamedTuple

import numpy as np
from gymnasium import spaces

from sb3_ecom.core.arrays import Array, Backend, array_namespace
from sb3_ecom.core.checks import check_choice
from sb3_ecom.core.feature_names import FeatureNames
from sb3_ecom.core.item_spaces import Items, ItemSignature
from sb3_ecom.core.spaces import Layout, LayoutBox
from sb3_ecom.core.task import Metric, Task, check_reward_weights
from sb3_ecom.core.tracker import State, TaskTables
from sb3_ecom.envs.recommendation.session import dynamics
from sb3_ecom.envs.recommendation.session.dynamics import PageOutcome, Visit, VisitNoise, start_visit
from sb3_ecom.envs.recommendation.session.feature_names import session_names
from sb3_ecom.envs.recommendation.session.params import SessionParams
from sb3_ecom.envs.recommendation.session.public_tables import ShopTables, shop_tables
from sb3_ecom.envs.recommendation.session.ranker import WEIGHTS
from sb3_ecom.envs.recommendation.session.render import render
from sb3_ecom.envs.recommendation.session.rewards import REWARDS, RewardTerm, reward_terms
from sb3_ecom.envs.recommendation.session.tracker import (
    CLICKS,
    COUNTS,
    FACTS,
    HISTORY,
    Landing,
    PageEvent,
    SessionTracker,
)
from sb3_ecom.envs.recommendation.session.transition_model import SessionTransitionModel
from sb3_ecom.envs.recommendation.session.visit_tables import visit_tables

__all__ = ["CLICKS", "ResetNoise", "SessionTask", "State"]

_TINY = 1e-30  # keeps the logarithm of a uniform 0 finite


class ResetNoise(NamedTuple):
    """Noise that starts a session; each (n,)."""

    entry: Array  # U[0, 1)
    hour: Array  # U[0, 1)
    patience: Array  # N(0, 1)


class SessionTask(Task):
    """One visitor's session in a web shop; one step is one page with a ranked slate of K items.

    Observation:
        Flat `LayoutBox`. Context: page / horizon, moving average of clicks per page, pages since the last
        click / 5, clicks / 10, sine and cosine of the hour, decayed clicks per category / 4 (the shop's own
        count, which the ranker weighs too); unless ``action="ranker"`` also N floats that are 1 for opened
        items. History: the landing item and the clicks, the last T = 20 of
        them, each with validity, bought, standardised log price, pages waited / 5, slot / K and an item
        embedding (see `public_tables.shop_tables`) of 8 floats (without a ranker of 16). Nothing hidden:
        neither taste nor patience.
    Action:
        ``action="ranker"``: Box[-1, 1]^14, weights of a ranker over the catalogue (see `ranker.rank`); zero
        is popularity plus affinity to the last click. ``action="slate"``: MultiDiscrete([N] * K), the page
        itself; ``action="single"``: Discrete(N), a page of one item. An item already opened, or a repeat,
        leaves its slot empty.
    Reward:
        Weighted sum of ``clicks`` (weight 1 by default), ``purchases``, ``margin`` and ``returns``
        (currency units of the log; weight 0 by default).
    Episode:
        Ends when the visitor leaves (terminated) or after `horizon` pages (truncated).
    Source:
        Multinomial logit choice with a linear recurrent taste, fitted to the log named in
        `SessionParams.source`; what the log can not tell is assumed, see `SessionParams`.
    Versions:
        v0: first.

    Raises:
        ValueError: on an unknown action kind or reward term.
    """

    metrics = (
        Metric("ctr", "clicks", "impressions"),
        Metric("clicks_per_session", "clicks"),
        Metric("conversion", "purchases", "clicks"),
        Metric("margin", "margin"),
        Metric("return_cost", "returns"),
        Metric("return_rate", "sent_back", "purchases"),
        Metric("session_length", "length"),
    )
    step_info_keys = ("slate", "clicked")
    #: Terms that may be named in `reward_weights`; the transition model pays each in expectation.
    rewards: ClassVar[tuple[RewardTerm, ...]] = REWARDS
    observation_space: LayoutBox

    def __init__(
        self,
        params: SessionParams,
        action: Literal["ranker", "slate", "single"] = "ranker",
        reward_weights: Mapping[str, float] | None = None,
    ) -> None:
        check_choice("action", action, ("ranker", "slate", "single"))
        if action == "single" and params.slate_size != 1:
            raise ValueError(f"slate_size must be 1 with action='single', got {params.slate_size}")
        self.params = params
        self.action = action
        self.horizon = params.horizon
        self.reward_weights = check_reward_weights(
            reward_weights, tuple(term.name for term in self.rewards), {"clicks": 1.0}
        )
        items = params.catalogue
        exhaustible = items.size <= params.horizon + params.slate_size
        self.tracker = SessionTracker(action, params.slate_size, exhaustible)
        shop = shop_tables(params, whole=action != "ranker")
        self.tables = TaskTables(visit_tables(params), shop)
        facts = COUNTS + items.num_categories
        closed = items.size if action != "ranker" else 0
        self.observation_space = LayoutBox(
            Layout(facts + closed, HISTORY, shop.event.shape[1]),
            -20.0,
            20.0,
            items=_public_items(shop, slice(facts, facts + closed) if closed else None),
        )
        self.action_space = _action_space(action, params)

    def draw_reset(self, source: Backend, n: int) -> ResetNoise:
        """Draw what starts n sessions."""
        return ResetNoise(source.uniform((n,)), source.uniform((n,)), source.normal((n,)))

    def draw_step(self, source: Backend, n: int) -> VisitNoise:
        """Draw a uniform and three standard logistics a page."""
        uniform = source.uniform((4, n))
        xp = array_namespace(uniform)
        logistic = xp.log(uniform[1:] + _TINY) - xp.log(1.0 - uniform[1:])
        return VisitNoise(uniform[0], logistic[0], logistic[1], logistic[2])

    def start(self, noise: ResetNoise) -> tuple[Visit, Landing]:
        """Open n sessions."""
        visit = start_visit(self.tables.hidden, noise.entry, self.params.patience_sd * noise.patience)
        return visit, Landing(visit.entry * 1, noise.hour)

    def simulate(self, hidden: Visit, decision: Array, noise: VisitNoise) -> tuple[Visit, PageOutcome]:
        """Show one page."""
        return dynamics.step(hidden, decision, noise, self.params, self.tables.hidden)

    def public_event(self, hidden: Visit, outcome: PageOutcome) -> PageEvent:
        """Return what was clicked and bought."""
        return PageEvent(outcome.slot, outcome.item, outcome.bought)

    def terms(self, outcome: PageOutcome) -> dict[str, Array]:
        """Return the named reward terms."""
        return reward_terms(outcome, self.rewards)

    def terminated(self, outcome: PageOutcome) -> Array:
        """Return whether the visitor left."""
        return outcome.left

    def counters(self, outcome: PageOutcome, terms: Mapping[str, Array]) -> dict[str, Array]:
        """Return the reward terms, items shown and items sent back."""
        return {
            **terms,
            "impressions": outcome.shown,
            "sent_back": outcome.returned,
        }

    def step_info(self, outcome: PageOutcome) -> dict[str, Array]:
        """Return the page shown and the item clicked (-1: empty slot, no click)."""
        return {"slate": outcome.slate, "clicked": outcome.item}

    def feature_names(self) -> FeatureNames:
        """Return what the floats of observations and actions are."""
        items, layout = self.params.catalogue, self.observation_space.layout
        return session_names(items.num_categories, layout.features, items.item_ids, self.action)

    def transition_model(self) -> SessionTransitionModel:
        """Return the exact chances of what may come of pages (`sb3.VecExpectedAdvantage`).

        Raises:
            ValueError: if the task lives on another backend than NumPy.
        """
        return SessionTransitionModel(self)

    def render(self, state: State, outcome: PageOutcome | None, row: int, mode: str) -> Any:
        """Show the shop page of copy `row`, and what the visitor feels."""
        return render(self.params, self.tables, state, outcome, row, mode)


def _action_space(action: str, params: SessionParams) -> spaces.Space[Any]:
    size = params.catalogue.size
    if action == "single":
        return spaces.Discrete(size)
    if action == "slate":
        return spaces.MultiDiscrete([size] * params.slate_size)
    return spaces.Box(-1.0, 1.0, (WEIGHTS,), np.float32)


def _public_items(shop: ShopTables, closed: slice | None) -> Items:
    features = np.concatenate(
        [shop.direction, shop.price[:, None], shop.exit_effect[:, None], shop.category], axis=1
    )
    columns = (2, *range(FACTS, shop.event.shape[1]))  # price and embedding
    signature = ItemSignature(columns, shop.event[:-1, columns])
    return Items(features.astype(np.float32), shop.log_popularity, closed, signature)
