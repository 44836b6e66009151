"""Rehearsal: a live recommender serves simulated visitors, whose world may differ from its own simulator."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from sb3_ecom.core.arrays import NumpyBackend
from sb3_ecom.envs.recommendation.session.env import SessionTask
from sb3_ecom.live.recommender import Recommender
from sb3_ecom.live.visit import Visit

_SIDE_BY_SIDE = 256  # visits that run at a time


class Rehearsed(NamedTuple):
    """What simulated visitors did."""

    clicks: NDArray[np.float64]  # (n,) per visit
    purchases: NDArray[np.float64]  # (n,) per visit
    pages: NDArray[np.int64]  # (n,) per visit

    def per_visit(self) -> tuple[float, float]:
        """Return the mean clicks of a visit and its standard error."""
        return float(self.clicks.mean()), float(self.clicks.std(ddof=1) / np.sqrt(self.clicks.size))


#: (hidden state of the visitors, rows of those still there, their visits) before each page.
Watcher = Callable[[Any, NDArray[np.int64], Sequence[Visit]], None]


def rehearse(
    shop: Recommender, world: SessionTask, visits: int, *, seed: int = 0, watch: Watcher | None = None
) -> Rehearsed:
    """Serve simulated visitors through a recommender, as a shop would: open, recommend, reward.

    Args:
        shop: that serves, and logs where it has a decision log.
        world: whose visitors come; an item that it does not have is never clicked.
        visits: >= 1; the same seed brings the same visitors.
        seed: of the visitors.
        watch: called before each page of visits that run side by side.
    """
    if visits < 1:
        raise ValueError(f"visits must be >= 1, got {visits}")
    parts = [
        _serve(shop, world, min(_SIDE_BY_SIDE, visits - start), [seed, start], watch)
        for start in range(0, visits, _SIDE_BY_SIDE)
    ]
    return Rehearsed(*(np.concatenate(values) for values in zip(*parts, strict=True)))


def _serve(
    shop: Recommender, world: SessionTask, n: int, seed: list[int], watch: Watcher | None
) -> tuple[NDArray[Any], ...]:
    source = NumpyBackend()
    source.seed(int(np.random.SeedSequence(seed).generate_state(1)[0]))
    ids = world.params.catalogue.item_ids
    number = {text: place for place, text in enumerate(ids)}
    hidden, landing = world.start(world.draw_reset(source, n))
    visits = [
        shop.open(landing=ids[item], hour=float(hour) * 24 % 24)
        for item, hour in zip(landing.item, landing.hour, strict=True)
    ]
    clicks, purchases, pages = np.zeros(n), np.zeros(n), np.zeros(n, dtype=np.int64)
    alive = np.ones(n, dtype=bool)
    for _ in range(world.horizon):
        rows = np.flatnonzero(alive)
        if not rows.size:
            break
        if watch is not None:
            watch(hidden, rows, [visits[row] for row in rows])
        decision = np.full((n, world.params.slate_size), -1)
        shown = {}
        for row in rows.tolist():
            shown[row] = visits[row].recommend()
            items = shown[row].items[: world.params.slate_size]
            decision[row, : len(items)] = [number.get(item, -1) for item in items]
        hidden, outcome = world.simulate(hidden, decision, world.draw_step(source, n))
        for row, page in shown.items():
            item, bought = int(outcome.item[row]), bool(outcome.bought[row])
            visits[row].reward(page.event_id, clicked=ids[item] if item >= 0 else None, bought=bought)
            clicks[row] += item >= 0
            purchases[row] += bought
            pages[row] += 1
        alive &= ~world.terminated(outcome)
    return clicks, purchases, pages
