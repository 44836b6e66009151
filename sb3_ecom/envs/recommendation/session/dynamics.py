"""How a visitor looks at a page: click, buy, send back, stay or leave. Pure, batched, no randomness."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from sb3_ecom.core.arrays import (
    Array,
    array_namespace,
    columns_first,
    index_range,
    look_up,
    set_true,
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


class Visit(NamedTuple):
    """A visitor between two pages."""

    taste: Array  # (n, D) hidden
    mood: Array  # (n, M) page, satisfaction, patience, satiation: each page multiplies it and adds to it
    entry: Array  # (n,) int, the item on which the visitor landed
    opened: Array  # (n, N) bool, the landing item and the items clicked in this session, or a list of them

    @property
    def page(self) -> Array:
        """(n,) pages seen."""
        return self.mood[:, PAGE]

    @property
    def satisfaction(self) -> Array:
        """(n,) hidden, in [0, 1]."""
        return self.mood[:, SATISFACTION]

    @property
    def patience(self) -> Array:
        """(n,) hidden, logit."""
        return self.mood[:, PATIENCE]

    @property
    def satiation(self) -> Array:
        """(n, G) hidden, clicks per category, decayed."""
        return self.mood[:, SATIATION:]


class VisitNoise(NamedTuple):
    """One number for each event of a page; each (n,)."""

    click: Array  # U[0, 1)
    buy: Array  # standard logistic, as the two below: an event happens where its logit is higher
    send_back: Array
    leave: Array


class PageOutcome(NamedTuple):
    """What one page came to."""

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


def landing_mask(tables: VisitTables, item: Array) -> Array:
    """Return (n, N) bool: the items on which the visitors landed."""
    return index_range(tables.quality.shape[0], item) == item[:, None]


def mark_opened(visit: Visit, item: Array, chosen: Array) -> Array:
    """Return (n, N) bool: what was opened, and now the (n,) items where `chosen` (-1 elsewhere)."""
    return set_true(visit.opened, item, chosen)


def start_visit(
    tables: VisitTables,
    entry: Array,
    patience: Array,
    note_landing: Callable[[VisitTables, Array], Array] = landing_mask,
) -> Visit:
    """Open sessions: (n,) entry uniforms choose the landing item, `patience` is (n,) in logits.

    `note_landing` and, in `show_page`, `note_opened` keep the book of opened items: as a mask over the
    catalogue, or where the catalogue is too large for that, as a list (`large.dynamics`).
    """
    item = array_namespace(entry).searchsorted(tables.entry_cumulative, entry, side="right")
    mood = zeros(entry, entry.shape[0], (tables.outcome.shape[1] - FACTORS) // 2)
    mood[:, PATIENCE] = patience
    return Visit(look_up(tables.start, item), mood, item, note_landing(tables, item))


def show_page(
    params: SessionParams,
    tables: VisitTables,
    visit: Visit,
    slate: Array,
    noise: VisitNoise,
    note_opened: Callable[[Visit, Array, Array], Array] = mark_opened,
) -> tuple[Visit, PageOutcome]:
    """Show (n, K) item ids (-1 = empty slot; opened items and repeats must be emptied already)."""
    xp = array_namespace(slate)
    rows = index_range(slate.shape[0], slate)
    weights, match = choice_weights(params, tables, visit, slate)
    slot = _click(weights, tables.outside, noise.click)
    chosen = slot < slate.shape[1]
    position = slot * chosen
    item, fit = xp.where(chosen, slate[rows, position], -1), match[rows, position]
    event = look_up(tables.outcome, item)  # -1 is the row of no click
    clicked = event[:, CLICKED]
    logits = event[:, BUY : SEND_BACK + 1] + fit[:, None] * tables.match
    bought = clicked * (noise.buy < logits[:, 0])
    back = bought * (noise.send_back < logits[:, 1])
    moods = visit.mood.shape[1]
    mood = visit.mood * event[:, FACTORS:-moods] + event[:, -moods:]
    stays = params.exit_satisfaction * mood[:, SATISFACTION]
    taste = update_where(
        visit.taste, chosen, lambda rows: _taste_after(tables, visit.taste[rows], item[rows])
    )
    after = Visit(taste, mood, visit.entry, note_opened(visit, item, chosen))
    outcome = PageOutcome(
        slate=slate,
        slot=slot,
        item=item,
        clicked=clicked,
        bought=bought,
        returned=back,
        margin=bought * event[:, MARGIN],
        return_cost=back * event[:, RETURN_COST],
        shown=(slate >= 0).sum(-1, dtype=match.dtype),
        left=noise.leave < event[:, REACTION] + mood[:, PATIENCE] - stays,
    )
    return after, outcome


def empty_closed_slots(tables: VisitTables, slate: Array, visit: Visit) -> Array:
    """Return the (n, K) slate with -1 where the item was opened or stands in an earlier slot."""
    closed = visit.opened[index_range(slate.shape[0], slate)[:, None], slate]
    return empty_slots(tables, slate, closed)


def empty_slots(tables: VisitTables, slate: Array, closed: Array) -> Array:
    """Return the (n, K) slate with -1 where `closed`, or where the item stands in an earlier slot."""
    if slate.shape[1] > 1:
        slots = columns_first(slate)
        closed = closed | ((slots[:, None] == slots) & tables.earlier).any(1).T
    return array_namespace(slate).where(closed, -1, slate)


def choice_weights(
    params: SessionParams, tables: VisitTables, visit: Visit, slate: Array
) -> tuple[Array, Array]:
    """Return the (n, K) choice weights of a page, 0 where a slot is empty, and how well its items match."""
    rows = index_range(slate.shape[0], slate)
    match = (look_up(tables.worth, slate) @ visit.taste[:, :, None])[..., 0]
    tired = visit.satiation[rows[:, None], look_up(tables.group, slate)]
    logits = look_up(tables.quality, slate) + match - params.satiation_weight * tired + tables.slot
    return array_namespace(slate).exp(logits) * (slate >= 0), match


def _click(weights: Array, outside: Array, uniform: Array) -> Array:
    """Multinomial logit over the slate and the outside option: (n,) int slot, K where nothing is clicked."""
    cumulative = columns_first(weights).cumsum(0)
    threshold = uniform * (cumulative[-1] + outside)
    return (threshold >= cumulative).sum(0)


def _taste_after(tables: VisitTables, taste: Array, item: Array) -> Array:
    """Return (k, D) tastes after clicks on (k,) items."""
    return look_up(tables.keep, item) * taste + look_up(tables.impulse, item)
