"""Refine a shop's parameters by pages that were really shown: what was on them, and what was clicked.

A click log tells what visitors go on to, not what they pass over; a log of pages tells both. The visitor's
taste after each click follows from the preset; given it, all that is fitted here is a choice among the slots
of a page (multinomial logit with a ridge on the items' qualities), and two logistic regressions: of leaving
after a page and of buying after a click. All three are convex.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize

from sb3_ecom.envs.recommendation.session.params import SessionParams
from sb3_ecom.envs.recommendation.session.visit_tables import standard
from sb3_ecom.envs.recommendation.session.visitor import (
    after_click,
    after_page,
    outside_weight,
    satiation_after_click,
    untired_logits,
)

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
QUALITY_SD = 0.5  # logits, by which an item's quality may differ from the preset's, a priori
_SCALARS = ("taste", "satiation", "position", "outside")


class ShownPage(NamedTuple):
    """One page of a visit."""

    items: tuple[int, ...]  # item numbers, -1 where a slot stayed empty
    slot: int  # clicked, -1 where none
    bought: bool


class ShownVisit(NamedTuple):
    """A visit: where it began and what was shown."""

    landing: int  # item number
    clicks: tuple[int, ...]  # before the first page
    pages: tuple[ShownPage, ...]
    left: bool  # after the last page; False where nobody knows


@dataclass(frozen=True)
class PageFit:
    """Refined parameters.

    Attributes:
        params: refined.
        standard_errors: of the refined numbers that are no list.
        before: held-out log-likelihood of a page's click under the preset, nats.
        after: the same under the refined parameters, fitted to the other visits.
        pages: used.
    """

    params: SessionParams
    standard_errors: dict[str, float]
    before: float
    after: float
    pages: int


class _Rows(NamedTuple):
    """Pages as a regression sees them."""

    items: Ints  # (m, K) -1 for an empty slot
    match: Floats  # (m, K) taste times factors
    tired: Floats  # (m, K) satiation of the items' categories
    slot: Ints  # (m,) clicked, K where none
    satisfaction: Floats  # (m,) after the page
    bought: Floats  # (m,)
    left: Floats  # (m,) 1 where the visitor left, NaN where nobody knows
    visit: Ints  # (m,)


def refine(params: SessionParams, visits: list[ShownVisit], *, seed: int = 0) -> PageFit:
    """Fit quality, taste, satiation, position, the outside option, leaving and buying to pages.

    Args:
        params: of the preset that the pages were decided with.
        visits: that were served.
        seed: of the visits held out.

    Raises:
        ValueError: with fewer than 100 pages or 20 clicks.
    """
    rows = _rows(params, visits)
    clicks = int((rows.slot < rows.items.shape[1]).sum())
    if len(rows.slot) < 100 or clicks < 20:
        raise ValueError(
            f"refining needs >= 100 pages and >= 20 clicks, got {len(rows.slot)} pages and {clicks} clicks"
        )
    held = np.random.default_rng(seed).random(int(rows.visit.max()) + 1) < 0.2
    test = held[rows.visit]
    start = _start(params)
    trained = _fit_choice(params, _select(rows, ~test), start)
    nats = [-_choice_loss(theta, _select(rows, test), params, ridge=False)[0] for theta in (start, trained)]
    theta = _fit_choice(params, rows, start)
    refined, errors = _with_choice(params, theta, rows)
    refined, more = _with_leaving(refined, rows)
    refined, last = _with_buying(refined, rows, max(float(theta[params.catalogue.size]), 0.0))
    pages = max(int(test.sum()), 1)
    return PageFit(refined, {**errors, **more, **last}, nats[0] / pages, nats[1] / pages, len(rows.slot))


def _rows(params: SessionParams, visits: list[ShownVisit]) -> _Rows:
    items, size = params.catalogue, params.slate_size
    groups = np.eye(items.num_categories)[items.category]
    parts: list[tuple[Any, ...]] = []
    for number, visit in enumerate(visits):
        taste, tired = items.start[visit.landing], np.zeros(items.num_categories)
        satisfaction = 0.0
        for item in visit.clicks:
            taste = after_click(items.retention[item], items.click_update[item], taste)
            tired = satiation_after_click(params, tired, groups[item])
            satisfaction = after_page(params, satisfaction, 1.0)
        for place, page in enumerate(visit.pages):
            shown = np.full(size, -1)
            shown[: len(page.items)] = page.items
            clicked = page.slot >= 0
            satisfaction = after_page(params, satisfaction, float(clicked))
            last = place == len(visit.pages) - 1
            left = 0.0 if not last else 1.0 if visit.left else np.nan
            match, tiredness = items.item_factors[shown] @ taste, tired[items.category[shown]]
            slot = page.slot if clicked else size
            parts.append((shown, match, tiredness, slot, satisfaction, float(page.bought), left, number))
            if clicked:
                item = page.items[page.slot]
                taste = after_click(items.retention[item], items.click_update[item], taste)
                tired = satiation_after_click(params, tired, groups[item])
    if not parts:
        raise ValueError("refining needs pages, the log holds none")
    columns: Any = [np.array(column) for column in zip(*parts, strict=True)]
    return _Rows(*columns)


def _select(rows: _Rows, some: NDArray[np.bool_]) -> _Rows:
    columns: Any = [column[some] for column in rows]
    return _Rows(*columns)


def _start(params: SessionParams) -> Floats:
    """Return the preset's own parameters: quality changes, then `_SCALARS`."""
    scalars = (1.0, -params.satiation_weight, params.position_weight, float(np.log(outside_weight(params))))
    return np.concatenate([np.zeros(params.catalogue.size), scalars])


def _choice_loss(
    theta: Floats, rows: _Rows, params: SessionParams, *, ridge: bool = True
) -> tuple[float, Floats]:
    """Return minus the log-likelihood of the clicks, with the ridge, and its gradient."""
    change, scalars = theta[: params.catalogue.size], theta[params.catalogue.size :]
    shown = rows.items >= 0
    slots = np.broadcast_to(np.arange(rows.items.shape[1]), rows.items.shape)
    quality = (params.catalogue.quality + change)[rows.items]
    logits = untired_logits(quality, scalars[0] * rows.match)
    logits = logits + scalars[1] * rows.tired + scalars[2] * slots
    logits = np.where(shown, logits, -np.inf)
    every = np.concatenate([logits, np.full((len(logits), 1), scalars[3])], axis=1)
    top = every.max(1, keepdims=True)
    weights = np.exp(every - top)
    total = weights.sum(1, keepdims=True)
    chosen = np.arange(len(every)), rows.slot
    loss = float((np.log(total[:, 0]) + top[:, 0] - every[chosen]).sum())
    residual = weights / total
    residual[chosen] -= 1.0
    inner = np.where(shown, residual[:, :-1], 0.0)
    gradient = np.zeros_like(theta)
    np.add.at(gradient, rows.items[shown], inner[shown])
    places = params.catalogue.size + np.arange(len(_SCALARS))
    gradient[places] = (
        *((inner * column).sum() for column in (rows.match, rows.tired, slots)),
        residual[:, -1].sum(),
    )
    if ridge:
        loss += float((change**2).sum()) / (2 * QUALITY_SD**2)
        gradient[: change.size] += change / QUALITY_SD**2
    return loss, gradient


def _fit_choice(params: SessionParams, rows: _Rows, start: Floats) -> Floats:
    options = {"maxiter": 500}
    found = minimize(_choice_loss, start, (rows, params), jac=True, method="L-BFGS-B", options=options)
    return np.asarray(found.x, dtype=np.float64)


def _with_choice(params: SessionParams, theta: Floats, rows: _Rows) -> tuple[SessionParams, dict[str, float]]:
    """Return parameters with the fitted choice, and the standard errors of its scalars."""
    items, size = params.catalogue, params.catalogue.size
    taste, satiation, position, outside = theta[size:].tolist()
    catalogue = replace(
        items, quality=items.quality + theta[:size], item_factors=max(taste, 0.0) * items.item_factors
    )
    found = replace(
        params,
        catalogue=catalogue,
        satiation_weight=max(-satiation, 0.0),
        position_weight=position,
        buy_match=params.buy_match / max(taste, 1e-3),  # its match has grown by as much
        return_match=params.return_match / max(taste, 1e-3),
        outside_scale=1.0,
    )
    scale = float(np.exp(outside)) / outside_weight(found)
    names = ("taste", "satiation_weight", "position_weight", "log outside weight")
    return replace(found, outside_scale=scale), dict(zip(names, _errors(theta, rows, params), strict=True))


def _errors(theta: Floats, rows: _Rows, params: SessionParams) -> list[float]:
    """Return standard errors of the scalars, the qualities held: by differences of the gradient."""
    first, step = params.catalogue.size, 1e-4
    width = len(_SCALARS)
    information = np.empty((width, width))
    for place in range(width):
        ahead, behind = theta.copy(), theta.copy()
        ahead[first + place] += step
        behind[first + place] -= step
        change = _choice_loss(ahead, rows, params)[1] - _choice_loss(behind, rows, params)[1]
        information[place] = change[first:] / (2 * step)
    return [float(np.sqrt(max(each, 0.0))) for each in np.diag(np.linalg.pinv(information))]


def _with_leaving(params: SessionParams, rows: _Rows) -> tuple[SessionParams, dict[str, float]]:
    """Fit the logit of leaving: base, exit effects' scale, what no click adds, and satisfaction."""
    known = ~np.isnan(rows.left)
    clicked = rows.slot < rows.items.shape[1]
    item = rows.items[np.arange(len(rows.slot)), np.where(clicked, rows.slot, 0)]
    effect = np.where(clicked, params.catalogue.exit_effect[item], 0.0)
    design = np.stack([np.ones(len(item)), effect, ~clicked, -rows.satisfaction], axis=1)
    if rows.left[known].sum() < 20:
        return params, {}
    prior = np.array(
        [
            params.exit_base + params.exit_shift,
            params.exit_effect_scale,
            params.exit_without_click,
            params.exit_satisfaction,
        ]
    )
    theta, errors = _logistic(design[known], rows.left[known], prior)
    changes = {
        "exit_base": float(theta[0] - params.exit_shift),
        "exit_effect_scale": max(float(theta[1]), 0.0),
        "exit_without_click": float(theta[2]),
        "exit_satisfaction": float(theta[3]),
    }
    return replace(params, **changes), dict(zip(changes, errors.tolist(), strict=True))  # type: ignore[arg-type]


def _with_buying(params: SessionParams, rows: _Rows, taste: float) -> tuple[SessionParams, dict[str, float]]:
    """Fit the logit of buying after a click: base, match, price and quality; `taste` scales the match."""
    clicked = np.flatnonzero(rows.slot < rows.items.shape[1])
    if rows.bought[clicked].sum() < 20:
        return params, {}
    items = params.catalogue
    item = rows.items[clicked, rows.slot[clicked]]
    scale = params.buy_match, params.buy_price, params.buy_quality
    match = taste * rows.match[clicked, rows.slot[clicked]]
    price, quality = standard(np.log(items.price))[item], standard(items.quality)[item]
    design = np.stack([np.ones(len(item)), match, price, quality], axis=1)
    theta, errors = _logistic(design, rows.bought[clicked], np.array([params.buy_base, *scale]))
    names = ("buy_base", "buy_match", "buy_price", "buy_quality")
    changes = dict(zip(names, theta.tolist(), strict=True))
    return replace(params, **changes), dict(zip(names, errors.tolist(), strict=True))


def _logistic(design: Floats, outcome: Floats, prior: Floats) -> tuple[Floats, Floats]:
    """Return coefficients and standard errors of a logistic regression, faintly drawn to `prior`."""
    ridge = 0.1  # of one: a prior standard deviation of three logits
    design = np.asarray(design, dtype=np.float64)

    def loss(theta: Floats) -> tuple[float, Floats]:
        logits = design @ theta
        value = np.logaddexp(0.0, logits).sum() - outcome @ logits
        gradient = design.T @ (1 / (1 + np.exp(-logits)) - outcome)
        change = theta - prior
        return float(value + ridge * change @ change / 2), gradient + ridge * change

    theta = np.asarray(minimize(loss, prior, jac=True, method="L-BFGS-B").x)
    chance = 1 / (1 + np.exp(-(design @ theta)))
    information = (design * (chance * (1 - chance))[:, None]).T @ design + ridge * np.eye(theta.size)
    return theta, np.sqrt(np.diag(np.linalg.inv(information)))
