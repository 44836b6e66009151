"""Dynamics of a page: click, buy, send back, stay or leave. Pure, batched, no randomness.

`step` is the fast path: it fetches what a page may come to in one row of packed tables, which are made from
the equations in `visitor`. A test plays sessions by those equations alone and finds the same.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from sb3_ecom.core.arrays import (
    Array,
    array_namespace,
    columns_first,
    index_range,
    look_up,
    update_where,
    zeros,
)
from sb3_ecom.envs.recommendation.session.params import SessionParams
from sb3_ecom.envs.recommendation.session.visit_tables import (
    BUY,
    CLICKED,
    FACTORS,
    MARGIN,
    PAGE,
    PATIENCE,
    REACTION,
    RETURN_COST,
    SATIATION,
    SATISFACTION,
    SEND_BACK,
    VisitTables,
)
from sb3_ecom.envs.recommendation.session.visitor import (
    after_click,
    catalogue_logits,
    hazard_logit,
    item_logits,
)


class Visit(NamedTuple):
    """A visitor between two pages: hidden, but for what the shop counts for itself too."""

    taste: Array  # (n, D)
    mood: Array  # (n, M) page, satisfaction, patience, satiation: each page multiplies it and adds to it
    entry: Array  # (n,) int, the item on which the visitor landed

    @property
    def page(self) -> Array:
        """(n,) pages seen."""
        return self.mood[:, PAGE]

    @property
    def satisfaction(self) -> Array:
        """(n,) in [0, 1]."""
        return self.mood[:, SATISFACTION]

    @property
    def patience(self) -> Array:
        """(n,) logit."""
        return self.mood[:, PATIENCE]

    @property
    def satiation(self) -> Array:
        """(n, G) clicks per category, decayed."""
        return self.mood[:, SATIATION:]


class VisitNoise(NamedTuple):
    """One number for each event of a page; each (n,)."""

    click: Array  # U[0, 1)
    buy: Array  # standard logistic, as the two below: an event happens where its logit is higher
    send_back: Array
    leave: Array


class PageOutcome(NamedTuple):
    """Result of showing one page to n visitors."""

    slate: Array  # (n, K) int item ids, -1 where the slot stayed empty
    slot: Array  # (n,) int slot clicked, K where none
    item: Array  # (n,) int item clicked, -1 where none
    clicked: Array  # (n,) float 0/1
    bought: Array  # (n,) float 0/1
    returned: Array  # (n,) float 0/1
    margin: Array  # (n,) currency units, of what was bought, before returns
    return_cost: Array  # (n,) currency units
    shown: Array  # (n,) items on the page
    left: Array  # (n,) bool


def attraction(tables: VisitTables, taste: Array) -> Array:
    """Return the (..., N) choice weights of all items for (..., D) tastes, without satiation, on NumPy."""
    weights: Array = np.exp(catalogue_logits(tables.quality, taste, tables.item_factors))
    return weights


def sale_logits(tables: VisitTables, event: Array, match: Array) -> Array:
    """Return the (..., 2) logits of buying after a click and of sending back what was bought.

    Args:
        tables: of the visitor.
        event: (..., C) rows of `tables.outcome`.
        match: (...) of taste and item.
    """
    return event[..., BUY : SEND_BACK + 1] + match[..., None] * tables.match


def start_visit(tables: VisitTables, entry: Array, patience: Array) -> Visit:
    """Open sessions: (n,) entry uniforms choose the landing item, `patience` is (n,) in logits."""
    item = array_namespace(entry).searchsorted(tables.entry_cumulative, entry, side="right")
    mood = zeros(entry, entry.shape[0], (tables.outcome.shape[1] - FACTORS) // 2)
    mood[:, PATIENCE] = patience
    return Visit(look_up(tables.start, item), mood, item)


def step(
    state: Visit, action: Array, noise: VisitNoise, params: SessionParams, tables: VisitTables
) -> tuple[Visit, PageOutcome]:
    """Show (n, K) item ids (-1 = empty slot; opened items and repeats must be emptied already)."""
    xp = array_namespace(action)
    rows = index_range(action.shape[0], action)
    weights, match = choice_weights(params, tables, state, action)
    slot = _click(weights, tables.outside, noise.click)
    chosen = slot < action.shape[1]
    position = slot * chosen
    item, fit = xp.where(chosen, action[rows, position], -1), match[rows, position]
    event = look_up(tables.outcome, item)  # -1 is the row of no click
    clicked = event[:, CLICKED]
    logits = sale_logits(tables, event, fit)
    bought = clicked * (noise.buy < logits[:, 0])
    back = bought * (noise.send_back < logits[:, 1])
    moods = state.mood.shape[1]
    mood = state.mood * event[:, FACTORS:-moods] + event[:, -moods:]
    leaving = hazard_logit(
        event[:, REACTION], params.exit_satisfaction, mood[:, SATISFACTION], mood[:, PATIENCE], 0.0
    )
    outcome = PageOutcome(
        slate=action,
        slot=slot,
        item=item,
        clicked=clicked,
        bought=bought,
        returned=back,
        margin=bought * event[:, MARGIN],
        return_cost=back * event[:, RETURN_COST],
        shown=(action >= 0).sum(-1, dtype=match.dtype),
        left=noise.leave < leaving,
    )

    def taste_of(some: Any) -> Array:
        chosen_items = item[some]
        retention, update = (
            look_up(tables.retention, chosen_items),
            look_up(tables.click_update, chosen_items),
        )
        return after_click(retention, update, state.taste[some])

    return Visit(update_where(state.taste, chosen, taste_of), mood, state.entry), outcome


def choice_weights(
    params: SessionParams, tables: VisitTables, visit: Visit, slate: Array
) -> tuple[Array, Array]:
    """Return the (n, K) choice weights of a page, 0 where a slot is empty, and how well its items match."""
    rows = index_range(slate.shape[0], slate)
    match = (look_up(tables.item_factors, slate) @ visit.taste[:, :, None])[..., 0]
    tired = visit.satiation[rows[:, None], look_up(tables.group, slate)]
    logits = item_logits(params, look_up(tables.quality, slate), match, tired) + tables.slot
    return array_namespace(slate).exp(logits) * (slate >= 0), match


def _click(weights: Array, outside: Array, uniform: Array) -> Array:
    """Multinomial logit over the slate and the outside option: (n,) int slot, K where nothing is clicked."""
    cumulative = columns_first(weights).cumsum(0)
    threshold = uniform * (cumulative[-1] + outside)
    return (threshold >= cumulative).sum(0)
