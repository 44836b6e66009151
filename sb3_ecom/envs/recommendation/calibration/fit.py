"""From a click log to `SessionParams`, and back: fit, simulate the log's own kind of page, compare."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from sb3_ecom.core.arrays import Array, sigmoid
from sb3_ecom.envs.recommendation.calibration.choice import PARTS, fit_choice
from sb3_ecom.envs.recommendation.calibration.exit import ExitFit, fit_exit
from sb3_ecom.envs.recommendation.calibration.memory import memory_gap
from sb3_ecom.envs.recommendation.calibration.sessions import Sessions, statistics
from sb3_ecom.envs.recommendation.session.params import Catalogue, SessionParams
from sb3_ecom.envs.recommendation.session.presets import format_preset, load_preset
from sb3_ecom.envs.recommendation.session.visitor import (
    after_click,
    catalogue_logits,
    clicked_satisfaction,
    hazard_logit,
    revisit_logits,
)

__all__ = [
    "FitResult",
    "Sessions",
    "fit",
    "format_preset",
    "load_preset",
    "memory_gap",
    "simulate_log",
    "statistics",
]

_PRIOR_CLICKS = 0.5  # added to each item's count of entries, so that none is impossible
_LONGEST = 1000  # clicks of a simulated session, at most
_CHUNK = 2_000_000  # copies x items that are simulated side by side


@dataclass(frozen=True, kw_only=True)
class FitResult:
    """Parameters fitted to a log, with standard errors."""

    params: SessionParams
    standard_errors: dict[str, float]  # of the fitted scalars
    choice_log_likelihood: float  # of the next clicks
    exit_log_likelihood: float  # of staying and leaving
    clicks: int  # next clicks that the choice model counts
    shrinkage: str  # which priors were chosen, in words


def fit(sessions: Sessions, seed: int = 0, progress: bool = True, parts: int = PARTS) -> FitResult:
    """Fit the visitors of a log by maximum likelihood.

    Fitted: the entry shares, quality, item factors, click updates and retention of the catalogue, the exit
    effects, and `exit_base`, `exit_satisfaction`, `satisfaction_decay`, `patience_sd`, `bounce`, `reopen` and
    `repeat`. Everything else of `SessionParams` stays at its assumed default.

    Args:
        sessions: the log.
        seed: of initial values and batches.
        progress: show a bar.
        parts: of the taste, D.
    """
    exits = fit_exit(sessions)
    choice = fit_choice(sessions, parts, seed, progress)
    n = sessions.num_items
    entries = np.bincount(sessions.item[sessions.starts], minlength=n) + _PRIOR_CLICKS
    counts = np.bincount(sessions.item, minlength=n) + _PRIOR_CLICKS
    ids = sessions.item_ids or tuple(str(i) for i in range(n))
    catalogue = Catalogue(
        item_ids=ids,
        category=np.zeros(n) if sessions.categories is None else sessions.categories,
        price=np.ones(n) if sessions.prices is None else sessions.prices,
        entry_share=entries / entries.sum(),
        popularity=counts / counts.sum(),
        quality=choice.quality,
        item_factors=choice.item_factors,
        click_update=choice.click_update,
        start=choice.click_update,
        retention=choice.retention,
        exit_effect=exits.effect,
    )
    params = SessionParams(
        catalogue=catalogue,
        exit_base=exits.base,
        exit_satisfaction=exits.satisfaction,
        satisfaction_decay=min(exits.decay, 0.999),
        patience_sd=exits.patience_sd,
        bounce=exits.bounce,
        slate_size=min(5, n),
        reopen=choice.scalars["reopen"],
        repeat=choice.scalars["repeat"],
    )
    return FitResult(
        params=params,
        standard_errors={**exits.standard_errors, **choice.standard_errors},
        choice_log_likelihood=choice.log_likelihood,
        exit_log_likelihood=exits.log_likelihood,
        clicks=choice.clicks,
        shrinkage=choice.prior.describe() + _describe_exit(exits),
    )


def _describe_exit(exits: ExitFit) -> str:
    if not exits.untold:
        return ""
    return (
        f"; too few sessions, or too much alike, to tell {', '.join(exits.untold)}: the five parameters of "
        "leaving are drawn to their usual values by a normal prior"
    )


def simulate_log(params: SessionParams, n_sessions: int, seed: int = 0) -> Sessions:
    """Simulate the log's own kind of session: the visitor may click any item, opened ones too.

    There are clicks only: each is drawn from the whole catalogue without an outside option, and after
    each the visitor leaves with the fitted hazard. Nothing that is assumed (slates, satiation, pages
    without a click) plays a part, so this is what the log can be compared with.

    Args:
        params: the shop.
        n_sessions: sessions, >= 1.
        seed: of the visitors.

    Raises:
        ValueError: if `n_sessions` < 1.
    """
    if n_sessions < 1:
        raise ValueError(f"n_sessions must be >= 1, got {n_sessions}")
    size, items = max(1, _CHUNK // params.catalogue.size), params.catalogue
    parts = []
    for chunk, first in enumerate(range(0, n_sessions, size)):
        rng = np.random.default_rng([seed, chunk])
        visitor, step, item = _simulate(params, min(size, n_sessions - first), rng)
        parts.append((visitor + first, step, item))
    session, step, item = (np.concatenate(column) for column in zip(*parts, strict=True))
    order = np.lexsort((step, session))
    return Sessions(
        session=session[order],
        item=item[order],
        num_items=items.size,
        categories=items.category,
        prices=items.price,
        item_ids=items.item_ids,
    )


def _simulate(params: SessionParams, n: int, rng: np.random.Generator) -> tuple[Array, Array, Array]:
    """Return (visitor, step, item) of every click of n visitors."""
    items = params.catalogue
    factors, quality = items.item_factors.astype(np.float32), items.quality.astype(np.float32)
    retention, update = items.retention.astype(np.float32), items.click_update.astype(np.float32)
    visitor = np.arange(n)
    item = rng.choice(items.size, n, p=items.entry_share / items.entry_share.sum())
    taste = items.start[item].astype(np.float32)
    patience = params.patience_sd * rng.standard_normal(n)
    opened = np.zeros((n, items.size), dtype=np.float32)
    found = []
    for step in range(_LONGEST):
        found.append((visitor, np.full(len(visitor), step), item))
        satisfaction = clicked_satisfaction(params.satisfaction_decay, step)
        reaction = items.exit_effect[item] + params.bounce * (step == 0)
        logit = hazard_logit(params.exit_base, params.exit_satisfaction, satisfaction, patience, reaction)
        stays = rng.random(len(visitor)) >= sigmoid(logit)
        if not stays.any():
            break
        visitor, patience, item, taste = visitor[stays], patience[stays], item[stays], taste[stays]
        opened = opened[stays]
        last, rows = np.zeros_like(opened), np.arange(len(item))
        opened[rows, item] = last[rows, item] = 1.0
        logits = catalogue_logits(quality, taste, factors)
        logits = revisit_logits(logits, opened, last, params.reopen, params.repeat)
        weights = np.exp(logits - logits.max(1, keepdims=True)).cumsum(1)
        draw = rng.random((len(item), 1)) * weights[:, -1:]
        item = np.minimum((draw >= weights).sum(1), items.size - 1)
        taste = after_click(retention[item], update[item], taste)
    visitors, steps, clicks = (np.concatenate(column) for column in zip(*found, strict=True))
    return visitors, steps, clicks
