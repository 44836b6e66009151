"""EcomRecLarge: EcomRec's session in a shop of a thousand to a million items."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

import numpy as np
from gymnasium import spaces

from sb3_ecom.core.arrays import Array
from sb3_ecom.core.blas import one_blas_thread
from sb3_ecom.core.checks import check_choice
from sb3_ecom.core.spaces import Layout, LayoutBox
from sb3_ecom.core.task import check_reward_weights
from sb3_ecom.core.tracker import State, TaskTables
from sb3_ecom.envs.recommendation.large.catalogue import LargeCatalogue, draw_catalogue
from sb3_ecom.envs.recommendation.large.dynamics import large_tables
from sb3_ecom.envs.recommendation.large.params import ACTIONS, LargeParams
from sb3_ecom.envs.recommendation.large.render import render
from sb3_ecom.envs.recommendation.large.retrieval import CellIndex
from sb3_ecom.envs.recommendation.large.shop import LargeShop, large_shop, query_of
from sb3_ecom.envs.recommendation.large.tracker import LargeTracker
from sb3_ecom.envs.recommendation.session.dynamics import PageOutcome
from sb3_ecom.envs.recommendation.session.env import SessionTask
from sb3_ecom.envs.recommendation.session.tracker import COUNTS, HISTORY

_TYPICAL = 2048  # queries by which the index learns what typical ones look like


class LargeTask(SessionTask):
    """The session of `EcomRec-v0` over N items; the action is a query that the shop answers with a page.

    Nothing per copy grows with N: a visitor's opened items are a list of ids, only the K items shown are
    looked at by the visitor, and the page is found by the exact product of queries and items or, for large
    N, by approximate nearest-neighbour search (faiss, extra ``large``), opened items removed.

    Observation:
        As EcomRec's with ``action="ranker"``: page / horizon, moving average of clicks per page, pages
        since the last click / 5, clicks / 10, sine and cosine of the hour, decayed clicks per category / 4;
        then the landing item and the clicks, the last 20 of them, each with validity, bought, standardised
        log price, pages waited / 5, slot / K and the item's embedding, 16 floats (8 for the ranker).
    Action:
        ``action="query"``: Box[-1, 1]^20: what to add to the weight 1 of log popularity, then weights of the
        exit effect, the price, the clicks on the category, and a query of 16 numbers in the space of the
        items. Half an item's embedding asks for what a click on that item makes attractive. Zero is
        popularity; no constant action knows the visitor. ``action="ranker"``: Box[-1, 1]^14, the
        ranker of EcomRec, which looks at the last click by itself. Policies may also give pages,
        (n, K) item ids: an opened item or a repeat leaves its slot empty.
    Reward:
        Weighted sum of ``clicks`` (weight 1 by default), ``purchases``, ``margin`` and ``returns``.
    Episode:
        Ends when the visitor leaves (terminated) or after `horizon` pages (truncated).
    Source:
        The visitor is EcomRec's, fitted to the log named in `SessionParams.source`; what is fitted and
        what assumed of the catalogue stands in `large.catalogue.draw_catalogue`. Acting by a point in the
        items' space: Dulac-Arnold et al. 2015, arXiv:1512.07679.
    Versions:
        v0: first.

    Args:
        params: of the visitor and the catalogue.
        action: what the weights mean.
        reward_weights: term -> weight; clicks alone by default.
        items: a catalogue in place of the one that `params` draws.

    Raises:
        ValueError: on an unknown action kind or reward term.
        ModuleNotFoundError: if the index is needed and faiss is not installed; names the extra.
    """

    observation_space: LayoutBox
    tracker: LargeTracker

    def __init__(
        self,
        params: LargeParams,
        action: Literal["query", "ranker"] = "query",
        reward_weights: Mapping[str, float] | None = None,
        items: LargeCatalogue | None = None,
    ) -> None:
        check_choice("action", action, ACTIONS)
        self.large, self.params, self.kind = params, params.session, action
        self.action = "ranker"  # weights, not item ids
        self.horizon = self.params.horizon
        self.reward_weights = check_reward_weights(
            reward_weights, tuple(term.name for term in self.rewards), {"clicks": 1.0}
        )
        with one_blas_thread():  # a seed's shop is the same to the last digit, however many cores there are
            self.items = draw_catalogue(params) if items is None else items
            shop = large_shop(self.items, self.params, action)
            self.tables = TaskTables(large_tables(self.params, self.items), shop)
        index = self._build_index(shop) if params.approximate else None
        slate_size, size = self.params.slate_size, self.items.size
        exhaustible = size <= self.horizon + slate_size
        self.tracker = LargeTracker("ranker", slate_size, exhaustible, size, self.horizon, index)
        context, width = shop.scale.shape[0], shop.event.shape[1]
        self.observation_space = LayoutBox(Layout(context, HISTORY, width), -20.0, 20.0)
        self.action_space = spaces.Box(-1.0, 1.0, (shop.mix.shape[0] - 1,), np.float32)

    def query(self, state: State, action: Array) -> Array:
        """Return the (n, C) queries of actions."""
        return query_of(self.tables.public, action, state.tracked.last, state.tracked.counts)

    def retrieve(self, query: Array, opened: Array) -> Array:
        """Return (n, K) item ids for queries, without the opened ones (n, L)."""
        return self.tracker.retrieve(query, opened, self.tables.public)

    def retrieve_exact(self, query: Array, opened: Array) -> Array:
        """Return (n, K) item ids for queries by the exact product."""
        return self.tracker.retrieve_exact(query, opened, self.tables.public)

    def render(self, state: State, outcome: PageOutcome | None, row: int, mode: str) -> Any:
        """Show the shop page of copy `row`, and what the visitor feels."""
        return render(self.params, self.tables, state, outcome, row, mode)

    def _build_index(self, shop: LargeShop) -> CellIndex:
        """Build the index for queries of all kinds: random weights, and what clicked items ask for."""
        generator = np.random.default_rng(0)
        width = shop.mix.shape[0] - 1
        weights = generator.uniform(-1, 1, (_TYPICAL, width)).astype(np.float32)
        last = np.searchsorted(self.tables.hidden.entry_cumulative, generator.random(_TYPICAL))
        last = np.minimum(last, self.items.size - 1)
        embedding = shop.event[last, 5:]
        half = _TYPICAL // 2
        weights[:half, : width - embedding.shape[1]] *= 0.3
        weights[:half, width - embedding.shape[1] :] = np.clip(0.5 * embedding[:half], -1, 1)
        counts = np.zeros((_TYPICAL, shop.scale.shape[0] - COUNTS), dtype=np.float32)
        query = query_of(shop, weights, last, counts)
        return CellIndex(shop.columns[: self.items.size], query, self.large.candidates, self.large.probes)
