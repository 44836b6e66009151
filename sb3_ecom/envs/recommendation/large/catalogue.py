"""A scaled shop: N items drawn from the joint law of the fitted ones, as float32 columns."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from sb3_ecom.core.arrays import Array
from sb3_ecom.envs.recommendation.large.params import LargeParams
from sb3_ecom.envs.recommendation.session.params import Catalogue, SessionParams
from sb3_ecom.envs.recommendation.session.visitor import catalogue_logits, outside_weight

_BLOCK = 16_384  # items drawn at a time: the only float64 is that of one block
_SOFTEST = 0.01  # retention is drawn as a logit, and kept this far from 0 and 1
_VISITORS = 512  # landing items on which the outside option is calibrated


class LargeCatalogue(NamedTuple):
    """N items in float32: the fields of `Catalogue` without names, and what clicking nothing weighs."""

    category: Array  # (N,) int8, 0 .. G-1
    price: Array  # (N,) currency units
    log_popularity: Array  # (N,) log of (share of all clicks x N): 0 is an average share
    log_entry: Array  # (N,) log of (share of landings x N)
    quality: Array  # (N,) logits
    item_factors: Array  # (N, D) logits per unit of taste
    click_update: Array  # (N, D)
    start: Array  # (N, D); the same array as `update` where the fit has one for both
    retention: Array  # (N, D) in [0, 1]
    exit_effect: Array  # (N,) logits
    outside: float  # weight of clicking nothing

    @property
    def size(self) -> int:
        """N, the number of items."""
        return int(self.quality.shape[0])


def as_large(params: SessionParams) -> LargeCatalogue:
    """Return the fitted catalogue itself in this form: EcomRec's shop."""
    items = params.catalogue
    one_start = np.array_equal(items.start, items.click_update)
    update = items.click_update.astype(np.float32)
    return LargeCatalogue(
        category=items.category.astype(np.int8),
        log_popularity=_log_share(np.log(np.maximum(items.popularity, 1e-6))),
        log_entry=_log_share(np.log(np.maximum(items.entry_share, 1e-12))),
        click_update=update,
        start=update if one_start else items.start.astype(np.float32),
        outside=outside_weight(params),
        **{
            name: getattr(items, name).astype(np.float32)
            for name in ("price", "quality", "item_factors", "retention", "exit_effect")
        },
    )


def draw_catalogue(params: LargeParams) -> LargeCatalogue:
    """Draw N items; the same numbers for the same parameters.

    A smoothed bootstrap: an item is a fitted one, chosen uniformly, pulled towards the mean and blurred so
    that means and covariances of all its numbers (quality, factors, click update, retention as a logit, exit
    effect, log price, log popularity, log entry share) stay the fitted ones; category shares are kept by the
    choice. Assumed: the blur (`bandwidth` h), and the outside option. The latter is set so that the K best
    items of the first page are clicked as often as the K best of the fitted shop: who sees more is
    choosier. Were it left alone, a large catalogue would hold something irresistible for everybody.

    Source: Silverman & Young 1987, doi:10.1093/biomet/74.3.469, section 2: the bootstrap smoothed and shrunk.
    """
    p, session = params, params.session
    drawn_from = (id(session.catalogue), session.slate_size, session.position_weight, session.outside_scale)
    key = (*drawn_from, p.catalogue_size, p.catalogue_seed, p.bandwidth)
    if key not in _DRAWN:
        while len(_DRAWN) >= _KEPT:
            del _DRAWN[next(iter(_DRAWN))]
        # Holding the fitted catalogue keeps its id its own.
        _DRAWN[key] = session.catalogue, _draw(session, p.catalogue_size, p.catalogue_seed, p.bandwidth)
    return _DRAWN[key][1]


#: Every environment of one process and one shop shares its catalogue.
_DRAWN: dict[Any, tuple[Catalogue, LargeCatalogue]] = {}
_KEPT = 2


def _draw(session: SessionParams, size: int, seed: int, bandwidth: float) -> LargeCatalogue:
    fitted, one_start = (
        session.catalogue,
        np.array_equal(session.catalogue.start, session.catalogue.click_update),
    )
    joint, widths = _joint(fitted, one_start)
    mean = joint.mean(0)
    apart = (joint - mean).astype(np.float32)
    pull = 1.0 / np.sqrt(1.0 + bandwidth**2)
    rng = np.random.default_rng([seed, 217])
    columns = [np.empty((size, width) if width > 1 else size, dtype=np.float32) for width in widths]
    category = np.empty(size, dtype=np.int8)
    for first in range(0, size, _BLOCK):
        rows = slice(first, min(first + _BLOCK, size))
        model = rng.integers(len(apart), size=rows.stop - first)
        blur = rng.standard_normal((len(model), len(apart)), dtype=np.float32) @ apart
        drawn = pull * (apart[model] + bandwidth / np.sqrt(len(apart)) * blur) + mean
        category[rows] = fitted.category[model]
        for column, part in zip(columns, np.split(drawn, np.cumsum(widths)[:-1], axis=1), strict=True):
            column[rows] = part if column.ndim > 1 else part[:, 0]
    quality, exit_effect, price, popularity, entry, retention, factors, update, *start = columns
    np.exp(price, out=price)
    retention *= -1
    np.exp(retention, out=retention)
    retention += 1
    np.reciprocal(retention, out=retention)
    items = LargeCatalogue(
        category=category,
        price=price,
        log_popularity=_log_share(popularity),
        log_entry=_log_share(entry),
        quality=quality,
        item_factors=factors,
        click_update=update,
        start=start[0] if start else update,
        retention=retention,
        exit_effect=exit_effect,
        outside=0.0,
    )
    return items._replace(outside=_outside(session, items))


def _joint(items: Catalogue, one_start: bool) -> tuple[NDArray[np.float64], list[int]]:
    """Return one row of numbers per fitted item and the width of each part."""
    retention = np.clip(items.retention, _SOFTEST, 1 - _SOFTEST)
    parts = [
        items.quality[:, None],
        items.exit_effect[:, None],
        np.log(items.price)[:, None],
        np.log(np.maximum(items.popularity, 1e-6))[:, None],
        np.log(np.maximum(items.entry_share, 1e-6))[:, None],
        np.log(retention / (1 - retention)),
        items.item_factors,
        items.click_update,
    ]
    if not one_start:
        parts.append(items.start)
    return np.concatenate(parts, axis=1), [part.shape[1] for part in parts]


def _log_share(values: Array) -> Array:
    """Return log(share x N) for log values of any level: the shares' mean is 1/N."""
    peak = values.max()
    level = peak + np.log(np.exp((values - peak).astype(np.float64)).mean())
    return (values - level).astype(np.float32)


def _outside(session: SessionParams, items: LargeCatalogue) -> float:
    """Return the weight of clicking nothing at which the best first page is clicked as often as fitted."""
    fitted, k = session.catalogue, session.slate_size
    slots = np.exp(session.position_weight * np.arange(k))
    before = _best_weights(fitted.start, fitted.quality, fitted.item_factors, k) @ slots
    target = float(fitted.entry_share @ (before / (before + outside_weight(session))))
    chance = np.exp(items.log_entry.astype(np.float64))
    landed = np.random.default_rng(0).choice(items.size, size=_VISITORS, p=chance / chance.sum())
    page = _best_weights(items.start[landed], items.quality, items.item_factors, k) @ slots
    low, high = np.log(page.min()) - 20, np.log(page.max()) + 20
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if (page / (page + np.exp(middle))).mean() > target else (low, middle)
    return float(np.exp(low))


def _best_weights(taste: Array, quality: Array, factors: Array, k: int) -> Array:
    """Return (n, k) choice weights of the best items for (n, D) tastes, best first."""
    best = []
    rows = max(1, 2**24 // len(quality))
    for first in range(0, len(taste), rows):
        logits = catalogue_logits(quality, taste[first : first + rows], factors)
        best.append(np.partition(logits, -k, axis=1)[:, -k:])
    return np.exp(-np.sort(-np.concatenate(best), axis=1).astype(np.float64))
