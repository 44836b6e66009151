"""Public features of (observation, item) pairs, of every recommendation id: all that a ranker sees."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

import numpy as np

from sb3_ecom.core.arrays import Array
from sb3_ecom.core.task import Task

_FADING = (0.6, 0.9)  # share of a click that a profile keeps per later click


class View(Protocol):
    """How a task's observations describe the items that may be shown.

    Attributes:
        size: K, items of a page.
        one_click: a page has one click or none; otherwise each slot is clicked by itself.
    """

    size: int
    one_click: bool

    def context(self, observation: Array) -> Array:
        """Return the (n, c) floats that describe the visitor, 1 among them."""

    def pairs(self, observation: Array, items: Array) -> Array:
        """Return the (n, K, f) features of the items shown, -1 for an empty slot."""

    def scores(self, observation: Array, weights: Array) -> Array:
        """Return the (n, N) products of all items' features with (f,) weights."""

    def closed(self, observation: Array, items: Array) -> Array:
        """Return (n, M) bool: which of (n, M) items can not be chosen any more."""

    def action(self, observation: Array, items: Array) -> Array:
        """Return the action that shows the (n, K) items."""

    def asked(self, observation: Array) -> Array:
        """Return (n,) bool: whether anything is shown at all."""


class ProductView:
    """Features that are products of what the visitor is and what the item is: a float of each.

    Args:
        items: (N, f) of the catalogue.
        visitor: observations -> (n, f), what each column is multiplied with.
        context: observations -> (n, c).
        size: K.
        one_click: see `View`.
    """

    def __init__(
        self,
        items: Array,
        visitor: Callable[[Array], Array],
        context: Callable[[Array], Array],
        size: int,
        *,
        one_click: bool,
        flat: bool = False,
    ) -> None:
        self._items, self._visitor, self._context = np.asarray(items, np.float32), visitor, context
        self.size, self.one_click, self._flat = size, one_click, flat

    def context(self, observation: Array) -> Array:
        """Return the visitor's floats and 1."""
        own = self._context(observation)
        return np.concatenate([np.ones((len(own), 1), np.float32), own], axis=1)

    def pairs(self, observation: Array, items: Array) -> Array:
        """Return the products for the items shown, 0 where there is none."""
        found = self._visitor(observation)[:, None, :] * self._items[items]
        return np.where((items >= 0)[..., None], found, 0.0).astype(np.float32)

    def scores(self, observation: Array, weights: Array) -> Array:
        """Return one product of matrices."""
        return np.asarray((self._visitor(observation) * weights) @ self._items.T)

    def closed(self, observation: Array, items: Array) -> Array:
        """Return False: everything may be shown again."""
        return np.zeros(items.shape, dtype=bool)

    def action(self, observation: Array, items: Array) -> Array:
        """Return the page, or its only item."""
        return items[:, 0] if self._flat else items

    def asked(self, observation: Array) -> Array:
        """Return True."""
        return np.ones(len(observation), dtype=bool)


class SessionView(ProductView):
    """EcomRec, EcomRecSlate, EcomRecSingle and EcomRecLarge: items' looks against the visit's clicks."""

    def __init__(self, task: Any) -> None:
        shop, layout = task.tables.public, task.observation_space.layout
        size = getattr(task, "items", task.params.catalogue).size  # the table's last row may be "no click"
        embedding = shop.event[:size, _FACTS:]
        static, category = _catalogue(task, embedding)
        self._layout = layout
        # An item in the history is recognised by its embedding's place along one ray.
        self._ray = np.random.default_rng(0).normal(size=embedding.shape[1])
        places = embedding.astype(np.float64) @ self._ray
        self._order = np.argsort(places)
        self._keys = places[self._order]
        self._groups, width = category.shape[1], embedding.shape[1]
        # columns: constants | last click x item | profiles x item | categories clicked x category
        parts = [static, *([embedding] * (1 + len(_FADING))), category]
        self._profiles, self._width, self._static = len(_FADING), width, static.shape[1]
        super().__init__(
            np.concatenate(parts, axis=1),
            self._look,
            self._facts,
            task.params.slate_size,
            one_click=True,
            flat=False,
        )

    def _history(self, observation: Array) -> Array:
        return self._layout.split(observation)[1]  # type: ignore[no-any-return]

    def _facts(self, observation: Array) -> Array:
        return observation[:, : 6 + self._groups]

    def _look(self, observation: Array) -> Array:
        history = self._history(observation)[..., _FACTS:]
        ages = np.arange(history.shape[1])[::-1]
        profiles = [(history * (fading**ages)[:, None]).sum(1) for fading in _FADING]
        constant = np.ones((len(observation), self._static), np.float32)
        return np.concatenate([constant, history[:, -1], *profiles, self._facts(observation)[:, 6:]], axis=1)

    def closed(self, observation: Array, items: Array) -> Array:
        """Return which items' embeddings stand in the history: the landing item and what was clicked."""
        history = self._history(observation)
        seen = history[..., _FACTS:].astype(np.float64) @ self._ray
        right = np.clip(np.searchsorted(self._keys, seen), 1, len(self._keys) - 1)
        left_is_nearer = seen - self._keys[right - 1] < self._keys[right] - seen
        found = np.where(history[..., 0] > 0, self._order[right - left_is_nearer], -1)
        return np.asarray((items[:, :, None] == found[:, None, :]).any(-1))


_FACTS = 5  # floats of a click in a session's history before its embedding


def _catalogue(task: Any, embedding: Array) -> tuple[Array, Array]:
    """Return what a shop knows of each item beside its embedding, 1 among it, and (N, G) categories."""
    items = getattr(task.observation_space, "items", None)
    groups = task.params.catalogue.num_categories
    if items is not None:
        category = items.features[:, -groups:]
        plain = np.concatenate([items.features[:, :-groups], items.log_popularity[:, None]], axis=1)
    else:  # a large shop: direction columns, then popularity, exit, price, category
        columns = task.tables.public.columns[: len(embedding)]
        category, plain = columns[:, -groups:], columns[:, -groups - 3 : -groups]
    return np.concatenate([np.ones((len(embedding), 1)), plain], axis=1), category


class PerItemView(ProductView):
    """A regression of its own for each item: EcomRecContext, EcomRecOrganic."""

    def __init__(
        self, task: Any, items: int, visitor: Callable[[Array], Array], size: int, flat: bool
    ) -> None:
        sample = task.observation_space.sample()[None] * 0
        self._own, width = visitor, visitor(sample).shape[1] + 1
        eye = np.repeat(np.eye(items, dtype=np.float32), width, axis=1)
        super().__init__(eye, self._tiled, visitor, size, one_click=False, flat=flat)
        self._count = items

    def _tiled(self, observation: Array) -> Array:
        return np.tile(self.context(observation), (1, self._count))

    def scores(self, observation: Array, weights: Array) -> Array:
        """Return one product: the features are a context at each item's own place."""
        return np.asarray(self.context(observation) @ weights.reshape(self._count, -1).T)


class AskedView(PerItemView):
    """EcomRecOrganic: a recommendation is shown only where one is asked for."""

    def __init__(self, task: Any) -> None:
        products = task.params.products
        code, layout = task.tables.public.code, task.layout

        def views(observation: Array) -> Array:
            history = layout.split(observation)[1]
            seen = history[..., -code.shape[1] :] @ code.T
            hit = (seen >= seen.max(-1, keepdims=True) - 1e-6) & (history[..., :1] > 0.5)
            counts = hit.sum(1).astype(np.float32)
            return np.concatenate([counts, np.log1p(counts)], axis=1)

        super().__init__(task, products, views, 1, True)

    def asked(self, observation: Array) -> Array:
        """Return whether the visitor waits for a recommendation."""
        return np.asarray(observation[:, 0] > 0.5)


class ChoiceView:
    """Candidates that the observation itself describes: EcomRecCold, EcomRecEvolution.

    Args:
        describe: observations -> (n, N, f).
        context: observations -> (n, c).
        size: K.
        one_click: see `View`.
        flat: the action is one item, not a page.
    """

    def __init__(
        self,
        describe: Callable[[Array], Array],
        context: Callable[[Array], Array],
        size: int,
        *,
        one_click: bool,
        flat: bool,
    ) -> None:
        self._describe, self._context = describe, context
        self.size, self.one_click, self._flat = size, one_click, flat

    def context(self, observation: Array) -> Array:
        """Return the visitor's floats and 1."""
        own = self._context(observation)
        return np.concatenate([np.ones((len(own), 1), np.float32), own], axis=1)

    def pairs(self, observation: Array, items: Array) -> Array:
        """Return the rows of the candidates shown."""
        rows = self._describe(observation)
        return np.asarray(
            np.take_along_axis(rows, np.maximum(items, 0)[..., None], 1) * (items >= 0)[..., None]
        )

    def scores(self, observation: Array, weights: Array) -> Array:
        """Return the products with every candidate's row."""
        return np.asarray(self._describe(observation) @ weights)

    def closed(self, observation: Array, items: Array) -> Array:
        """Return False."""
        return np.zeros(items.shape, dtype=bool)

    def action(self, observation: Array, items: Array) -> Array:
        """Return the page, or its only item."""
        return items[:, 0] if self._flat else items

    def asked(self, observation: Array) -> Array:
        """Return True."""
        return np.ones(len(observation), dtype=bool)


class MixView(ChoiceView):
    """EcomRecRetain: the "items" are mixes of relevance and bait, an angle each."""

    def __init__(self, task: Any, count: int = 25) -> None:
        from sb3_ecom.envs.recommendation.retention.baselines import mixed_page

        self._angles, self._mix = np.linspace(-np.pi / 2, np.pi / 2, count), mixed_page
        waves = [np.cos(k * self._angles) for k in range(3)] + [np.sin(k * self._angles) for k in (1, 2)]
        table = np.stack(waves, axis=1).astype(np.float32)
        super().__init__(
            lambda observation: np.broadcast_to(table, (len(observation), *table.shape)),
            lambda observation: observation[:, 2:],
            1,
            one_click=False,
            flat=False,
        )

    def action(self, observation: Array, items: Array) -> Array:
        """Return the weights of the mix."""
        return np.asarray(self._mix(observation[:, :2], self._angles[items[:, 0]]))


def _context_view(task: Any) -> View:
    width = task.layout.context
    return PerItemView(task, task.params.items, lambda seen: seen[:, :width], task.params.slate_size, False)


def _boredom_view(task: Any) -> View:
    p, table = task.params, task.tables.public.items

    def topics(observation: Array) -> tuple[Array, Array]:
        context, history = task.layout.split(observation)
        weight = history[..., 1:2]
        ages = 0.95 ** np.arange(history.shape[1])[::-1]
        taste = (history[..., 2 : 2 + p.topics] * weight * ages[:, None]).sum(1)
        return taste / np.maximum(np.linalg.norm(taste, axis=1, keepdims=True), 1e-6), context[:, : p.topics]

    def visitor(observation: Array) -> Array:
        taste, recent = topics(observation)
        return np.concatenate([np.ones_like(taste), taste, recent], axis=1)

    columns = np.concatenate([table, table, table], axis=1)
    return ProductView(
        columns,
        visitor,
        lambda seen: topics(seen)[1],
        p.slate_size,
        one_click=False,
        flat=p.slate_size == 1,
    )


def _cold_view(task: Any) -> View:
    p = task.params
    cut = 1 + p.items * p.features

    def describe(observation: Array) -> Array:
        features = observation[:, 1:cut].reshape(-1, p.items, p.features)
        shown, rate = (observation[:, cut + k * p.items : cut + (k + 1) * p.items, None] for k in range(2))
        one = np.ones_like(shown)
        return np.concatenate([one, features, shown, rate, shown * rate, features * shown], axis=2)

    return ChoiceView(describe, lambda seen: seen[:, :1], 1, one_click=False, flat=True)


def _evolution_view(task: Any) -> View:
    p = task.params

    def describe(observation: Array) -> Array:
        interest = observation[:, : p.topics]
        topics = observation[:, p.topics : p.topics * (p.candidates + 1)].reshape(-1, p.candidates, p.topics)
        fit = (topics * interest[:, None]).sum(2, keepdims=True)
        return np.concatenate([topics, fit, fit**2, topics * fit], axis=2)

    if task.interests != "observed":
        raise ValueError("a ranker of EcomRecEvolution reads interests: make it with interests='observed'")
    return ChoiceView(describe, lambda seen: seen[:, : p.topics], p.slate_size, one_click=True, flat=False)


def view_of(task: Task) -> View:
    """Return the features of a recommendation task.

    Raises:
        ValueError: if the task shows no items.
    """
    makers: dict[str, Callable[[Any], View]] = {
        "SessionTask": SessionView,
        "ContextTask": _context_view,
        "OrganicBrowsingTask": AskedView,
        "BoredomTask": _boredom_view,
        "ColdStartTask": _cold_view,
        "EvolutionTask": _evolution_view,
        "RetentionTask": MixView,
    }
    for kind in type(task).__mro__:
        if kind.__name__ in makers:
            return makers[kind.__name__](task)
    raise ValueError(f"a supervised ranker needs a recommendation task, got {type(task).__name__}")
