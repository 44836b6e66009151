"""How a visitor looks at a page: click, buy, send back, stay or leave. Pure, batched, no randomness."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np

from sb3_ecom.core.arrays import (
    Array,
    array_namespace,
    columns_first,
    index_range,
    look_up,
    mark,
    renew,
    zeros,
)
from sb3_ecom.envs.recommendation.params import SessionParams

# Columns of `VisitTables.outcome`, before what the event does to the mood.
_BUY, _SEND_BACK, _MARGIN, _RETURN_COST, _EXIT, _REACTION, _CLICKED, _FACTS = range(8)
# Columns of `Visit.mood`, before the satiation.
_PAGE, _SATISFACTION, _PATIENCE, _SATIATION = range(4)


class VisitTables(NamedTuple):
    """The visitor's constants as float32 arrays; see `Catalogue` and `SessionParams`.

    What a page may come to stands in one row, fetched at once: on few copies each look-up costs as much as
    the arithmetic.
    """

    quality: Array  # (N,)
    worth: Array  # (N, D)
    impulse: Array  # (N, D)
    start: Array  # (N, D)
    keep: Array  # (N, D)
    group: Array  # (N,) int, 0 .. G-1
    # (N + 1, 7 + 2 M) of a click on each item, the last row of none: logits of buying and of sending back,
    # without the match; margin; return cost; exit effect; logit of leaving; 1 for a click; then what becomes
    # of the mood: factors and summands
    outcome: Array
    entry_cumulative: Array  # (N,) cumulative entry shares, infinite at the end
    slot: Array  # (K,) position logit of a slot
    earlier: Array  # (K, K, 1) bool, whether the second slot stands before the first
    match: Array  # (2,) what the match adds to the logits of buying and of sending back
    outside: Array  # (1,) weight of clicking nothing

    @property
    def buy(self) -> Array:
        """(N,) logit of buying after a click, without the match."""
        return self.outcome[:-1, _BUY]

    @property
    def send_back(self) -> Array:
        """(N,) logit of returning after a purchase, without the match."""
        return self.outcome[:-1, _SEND_BACK]

    @property
    def margin(self) -> Array:
        """(N,) currency units."""
        return self.outcome[:-1, _MARGIN]

    @property
    def return_cost(self) -> Array:
        """(N,) currency units, margin lost included."""
        return self.outcome[:-1, _RETURN_COST]

    @property
    def exit_effect(self) -> Array:
        """(N,) logits, scaled."""
        return self.outcome[:-1, _EXIT]

    @property
    def category(self) -> Array:
        """(N, G) one-hot."""
        groups = (self.outcome.shape[1] - _FACTS) // 2 - _SATIATION
        return self.outcome[:-1, -groups:]


class Visit(NamedTuple):
    """A visitor between two pages."""

    taste: Array  # (n, D) hidden
    mood: Array  # (n, M) page, satisfaction, patience, satiation: each page multiplies it and adds to it
    entry: Array  # (n,) int, the item on which the visitor landed
    opened: Array  # (n, N) bool, the landing item and the items clicked in this session, or a list of them

    @property
    def page(self) -> Array:
        """(n,) pages seen."""
        return self.mood[:, _PAGE]

    @property
    def satisfaction(self) -> Array:
        """(n,) hidden, in [0, 1]."""
        return self.mood[:, _SATISFACTION]

    @property
    def patience(self) -> Array:
        """(n,) hidden, logit."""
        return self.mood[:, _PATIENCE]

    @property
    def satiation(self) -> Array:
        """(n, G) hidden, clicks per category, decayed."""
        return self.mood[:, _SATIATION:]


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
    """Return the visitor's constants."""
    items = params.catalogue
    price, quality = _standard(np.log(items.price)), _standard(items.quality)
    margin = params.margin_rate * items.price
    columns = (
        params.buy_base + params.buy_price * price + params.buy_quality * quality,
        params.return_base + params.return_price * price,
        margin,
        margin + params.return_cost_rate * items.price,
        params.exit_effect_scale * items.exit_effect,
    )
    exact = VisitTables(
        quality=items.quality,
        worth=items.worth,
        impulse=items.impulse,
        start=items.start,
        keep=items.keep,
        group=items.category,
        outcome=outcome_table(params, columns, items.category, items.num_categories),
        entry_cumulative=entry_table(items.entry_share),
        slot=params.position_weight * np.arange(params.slate_size),
        earlier=earlier_slots(params.slate_size),
        match=np.array([params.buy_match, params.return_match]),
        outside=np.array([params.outside_weight]),
    )
    return VisitTables(*(_contiguous(table) for table in exact))


def outcome_table(params: SessionParams, columns: Sequence[Array], group: Array, groups: int) -> Array:
    """Return `VisitTables.outcome`.

    Args:
        params: of the session.
        columns: (N,) logits of buying and of sending back, margin, return cost, exit effect.
        group: (N,) int category.
        groups: G.
    """
    moods = _SATIATION + groups
    table = np.zeros((len(group) + 1, _FACTS + 2 * moods), dtype=np.float32)
    for place, column in enumerate(columns):
        table[:-1, place] = column
    without = params.exit_without_click
    table[:-1, _REACTION] = table[:-1, _EXIT] - np.float32(without)
    table[:, _REACTION] += np.float32(params.exit_base + params.exit_shift + without)
    table[:-1, _CLICKED] = 1
    factors, summands = table[:, _FACTS:-moods], table[:, -moods:]
    factors[:] = 1
    factors[:, _SATISFACTION] = params.satisfaction_decay
    factors[:-1, _SATIATION:] = params.satiation_decay
    summands[:, _PAGE] = 1
    summands[:-1, _SATISFACTION] = 1 - params.satisfaction_decay
    summands[np.arange(len(group)), _SATIATION + group] = 1
    return table


def earlier_slots(slate_size: int) -> Array:
    """Return `VisitTables.earlier`."""
    return np.tri(slate_size, k=-1, dtype=bool)[:, :, None]


def entry_table(share: Array) -> Array:
    """Return (N,) float32 cumulative entry shares; the last is infinite: every uniform is below it."""
    cumulative = (np.cumsum(share) / share.sum()).astype(np.float32)
    cumulative[-1] = np.inf
    return cumulative


def landing_mask(tables: VisitTables, item: Array) -> Array:
    """Return (n, N) bool: the items on which the visitors landed."""
    return index_range(tables.quality.shape[0], item) == item[:, None]


def mark_opened(visit: Visit, item: Array, chosen: Array) -> Array:
    """Return (n, N) bool: what was opened, and now the (n,) items where `chosen` (-1 elsewhere)."""
    return mark(visit.opened, item, chosen)


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
    mood = zeros(entry, entry.shape[0], (tables.outcome.shape[1] - _FACTS) // 2)
    mood[:, _PATIENCE] = patience
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
    clicked = event[:, _CLICKED]
    logits = event[:, _BUY : _SEND_BACK + 1] + fit[:, None] * tables.match
    bought = clicked * (noise.buy < logits[:, 0])
    back = bought * (noise.send_back < logits[:, 1])
    moods = visit.mood.shape[1]
    mood = visit.mood * event[:, _FACTS:-moods] + event[:, -moods:]
    stays = params.exit_satisfaction * mood[:, _SATISFACTION]
    after = Visit(
        taste=renew(visit.taste, chosen, lambda rows: _taste_after(tables, visit.taste[rows], item[rows])),
        mood=mood,
        entry=visit.entry,
        opened=note_opened(visit, item, chosen),
    )
    outcome = PageOutcome(
        slate=slate,
        slot=slot,
        item=item,
        clicked=clicked,
        bought=bought,
        returned=back,
        margin=bought * event[:, _MARGIN],
        return_cost=back * event[:, _RETURN_COST],
        shown=(slate >= 0).sum(-1, dtype=match.dtype),
        left=noise.leave < event[:, _REACTION] + mood[:, _PATIENCE] - stays,
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


def _contiguous(table: Array) -> Array:
    """Return a table as the step wants it: floats as float32."""
    return np.ascontiguousarray(table, dtype=np.float32 if table.dtype.kind == "f" else None)


def _standard(values: Array) -> Array:
    """Return the values with mean 0 and standard deviation 1 (all 0 where they do not differ)."""
    spread = values.std()
    return (values - values.mean()) / (spread if spread > 0 else 1.0)
