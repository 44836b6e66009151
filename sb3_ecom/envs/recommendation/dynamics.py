"""How a visitor looks at a page: click, buy, send back, stay or leave. Pure, batched, no randomness."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from sb3_ecom.core.arrays import Array, array_namespace, copy_of, index_range, look_up
from sb3_ecom.envs.recommendation.params import SessionParams


class VisitTables(NamedTuple):
    """The visitor's constants as float32 arrays; see `Catalogue` and `SessionParams`."""

    quality: Array  # (N,)
    worth: Array  # (N, D)
    impulse: Array  # (N, D)
    start: Array  # (N, D)
    keep: Array  # (N, D)
    category: Array  # (N, G) one-hot
    group: Array  # (N,) int, 0 .. G-1
    exit_effect: Array  # (N,) scaled
    buy: Array  # (N,) logit of buying after a click, without the match
    send_back: Array  # (N,) logit of returning after a purchase, without the match
    margin: Array  # (N,) currency units
    return_cost: Array  # (N,) currency units, margin lost included
    entry_cumulative: Array  # (N,) cumulative entry shares
    slot: Array  # (K,) position logit of a slot
    outside: Array  # (1,) weight of clicking nothing


class Visit(NamedTuple):
    """A visitor between two pages."""

    taste: Array  # (n, D) hidden
    satiation: Array  # (n, G) hidden, clicks per category, decayed
    satisfaction: Array  # (n,) hidden, in [0, 1]
    patience: Array  # (n,) hidden, logit
    entry: Array  # (n,) int, the item on which the visitor landed
    opened: Array  # (n, N) bool, the landing item and the items clicked in this session, or a list of them
    page: Array  # (n,) pages seen


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


def visit_tables(params: SessionParams) -> VisitTables:
    """Return the visitor's constants as float32 arrays."""
    items = params.catalogue
    price, quality = _standard(np.log(items.price)), _standard(items.quality)
    margin = params.margin_rate * items.price
    exact = VisitTables(
        quality=items.quality,
        worth=items.worth,
        impulse=items.impulse,
        start=items.start,
        keep=items.keep,
        category=np.eye(items.num_categories)[items.category],
        group=items.category,
        exit_effect=params.exit_effect_scale * items.exit_effect,
        buy=params.buy_base + params.buy_price * price + params.buy_quality * quality,
        send_back=params.return_base + params.return_price * price,
        margin=margin,
        return_cost=margin + params.return_cost_rate * items.price,
        entry_cumulative=np.cumsum(items.entry_share) / items.entry_share.sum(),
        slot=params.position_weight * np.arange(params.slate_size),
        outside=np.array([params.outside_weight]),
    )
    tables = [np.ascontiguousarray(table, dtype=np.float32) for table in exact]
    return VisitTables(*tables)._replace(group=items.category)


def landing_mask(tables: VisitTables, item: Array) -> Array:
    """Return (n, N) bool: the items on which the visitors landed."""
    return index_range(tables.quality.shape[0], item) == item[:, None]


def mark_opened(visit: Visit, item: Array, chosen: Array) -> Array:
    """Return (n, N) bool: what was opened, and now the (n,) items where `chosen`."""
    opened = copy_of(visit.opened)
    opened[index_range(item.shape[0], item), item] |= chosen
    return opened


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
    xp = array_namespace(entry)
    size = tables.quality.shape[0]
    item = xp.clip(xp.searchsorted(tables.entry_cumulative, entry, side="right"), 0, size - 1)
    zero = xp.zeros_like(entry)
    return Visit(
        taste=look_up(tables.start, item) + 0.0,
        satiation=zero[:, None] + xp.zeros_like(tables.category[0]),
        satisfaction=zero,
        patience=patience + 0.0,
        entry=item,
        opened=note_landing(tables, item),
        page=zero + 0.0,
    )


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
    ids = slate * (slate >= 0)
    rows = index_range(slate.shape[0], slate)
    weights, match = choice_weights(params, tables, visit, slate)
    slot = _click(xp, weights, tables.outside, noise.click)
    chosen = slot < slate.shape[1]
    clicked = xp.astype(chosen, match.dtype)
    position = slot * chosen
    item, fit = ids[rows, position], match[rows, position]
    bought = clicked * (noise.buy < look_up(tables.buy, item) + params.buy_match * fit)
    back = bought * (noise.send_back < look_up(tables.send_back, item) + params.return_match * fit)
    satisfaction = params.satisfaction_decay * visit.satisfaction + (1 - params.satisfaction_decay) * clicked
    without = params.exit_without_click
    reaction = clicked * (look_up(tables.exit_effect, item) - without) + (
        params.exit_base + params.exit_shift + without
    )
    left = noise.leave < reaction + visit.patience - params.exit_satisfaction * satisfaction
    opened = note_opened(visit, item, chosen)
    after = _remember(xp, params, tables, visit, item, chosen, satisfaction, opened)
    outcome = PageOutcome(
        slate=slate,
        slot=slot,
        item=(item + 1) * chosen - 1,
        clicked=clicked,
        bought=bought,
        returned=back,
        margin=bought * look_up(tables.margin, item),
        return_cost=back * look_up(tables.return_cost, item),
        shown=xp.sum(slate >= 0, axis=-1, dtype=match.dtype),
        left=left,
    )
    return after, outcome


def empty_closed_slots(slate: Array, visit: Visit) -> Array:
    """Return the (n, K) slate with -1 where the item was opened or stands in an earlier slot."""
    xp = array_namespace(slate)
    closed = visit.opened[index_range(slate.shape[0], slate)[:, None], slate]
    for slot in range(1, slate.shape[1]):
        closed[:, slot] |= xp.any(slate[:, :slot] == slate[:, slot : slot + 1], axis=-1)
    return (slate + 1) * ~closed - 1


def choice_weights(
    params: SessionParams, tables: VisitTables, visit: Visit, slate: Array
) -> tuple[Array, Array]:
    """Return the (n, K) choice weights of a page, 0 where a slot is empty, and how well its items match."""
    xp = array_namespace(slate)
    ids = slate * (slate >= 0)
    rows = index_range(slate.shape[0], slate)
    match = (look_up(tables.worth, ids) @ visit.taste[:, :, None])[..., 0]
    tired = visit.satiation[rows[:, None], look_up(tables.group, ids)]
    logits = look_up(tables.quality, ids) + match - params.satiation_weight * tired + tables.slot
    return xp.exp(logits) * (slate >= 0), match


def _click(xp: Any, weights: Array, outside: Array, uniform: Array) -> Array:
    """Multinomial logit over the slate and the outside option: (n,) int slot, K where nothing is clicked."""
    cumulative = xp.cumsum(weights, -1)
    threshold = uniform * (cumulative[:, -1] + outside)
    return xp.sum(threshold[:, None] >= cumulative, axis=-1)


def _remember(
    xp: Any,
    params: SessionParams,
    tables: VisitTables,
    visit: Visit,
    item: Array,
    chosen: Array,
    satisfaction: Array,
    opened: Array,
) -> Visit:
    """Return the visitor after the page."""
    some = chosen[:, None]
    taste = xp.where(
        some, look_up(tables.keep, item) * visit.taste + look_up(tables.impulse, item), visit.taste
    )
    fuller = params.satiation_decay * visit.satiation + look_up(tables.category, item)
    return Visit(
        taste=taste,
        satiation=xp.where(some, fuller, visit.satiation),
        satisfaction=satisfaction,
        patience=visit.patience,
        entry=visit.entry,
        opened=opened,
        page=visit.page + 1.0,
    )


def _standard(values: Array) -> Array:
    """Return the values with mean 0 and standard deviation 1 (all 0 where they do not differ)."""
    spread = values.std()
    return (values - values.mean()) / (spread if spread > 0 else 1.0)
