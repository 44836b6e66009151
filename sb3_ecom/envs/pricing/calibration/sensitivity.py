"""Price sensitivity of logit demand from sales at prices that varied: estimators with standard errors.

With utility a_k - b (f_kt - 1) the sales of a period, given their sum, are multinomial with chances
softmax(a_k - b f_kt): what moves the whole shop in a period (its demand level, the weather, the season) falls
out, and so does what makes a product dear and loved. That is the estimator "two-way". "product" keeps product
effects alone: it uses prices that move together, too, and takes it that the demand level did not move with
them. "instrument" is two-stage least squares of log units with product effects.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from sb3_ecom.core.arrays import Floats
from sb3_ecom.core.extras import import_extra

EFFECTS = ("two-way", "product")
LEAST_T = 2.0  # estimates within so many standard errors of 0 are refused
_LEAST_F = 10.0  # of the first stage: below, an instrument is weak (Staiger and Stock 1997)


class Estimate(NamedTuple):
    """A price sensitivity: utility lost per reference price."""

    value: float
    standard_error: float  # robust, clustered by period
    method: str
    first_stage: float | None = None  # F statistic, of an instrument


def two_way(units: Floats, factor: Floats) -> Estimate:
    """Return the conditional multinomial logit estimate; product and period effects fall out.

    Args:
        units: (T, K).
        factor: (T, K) price over the product's reference price.

    Raises:
        ValueError: if there is one product alone, or relative prices never moved.
    """
    periods, products = units.shape
    if products < 2:
        raise ValueError(
            "the price sensitivity is not identified by effects of product and period: there is one product; "
            "type --effects product, which takes demand not to have moved with the price"
        )
    moved = factor - factor.mean(0)
    _check_moved(moved - moved.mean(1, keepdims=True), "no product's price moved against the others'")
    design = np.zeros((periods, products, products))  # columns: effects of all but the first, and price
    design[:, 1:, : products - 1] = np.eye(products - 1)
    design[:, :, -1] = -moved
    total = units.sum(1)
    beta = np.zeros(products)
    for _ in range(100):
        utility = design @ beta
        chance = np.exp(utility - utility.max(1, keepdims=True))
        chance /= chance.sum(1, keepdims=True)
        scores = np.einsum("tk,tkj->tj", units - total[:, None] * chance, design)
        mean = np.einsum("tk,tkj->tj", chance, design)
        square = np.einsum("t,tk,tki,tkj->ij", total, chance, design, design)
        hessian = square - np.einsum("t,ti,tj->ij", total, mean, mean)
        move = np.linalg.solve(hessian + 1e-12 * np.eye(products), scores.sum(0))
        beta = beta + np.clip(move, -2, 2)
        if np.abs(move).max() < 1e-10:
            break
    inverse = np.linalg.inv(hessian + 1e-12 * np.eye(products))
    sandwich = inverse @ (scores.T @ scores) @ inverse * periods / max(periods - 1, 1)
    return Estimate(float(beta[-1]), float(np.sqrt(sandwich[-1, -1])), "two-way")


def product_effects(units: Floats, factor: Floats) -> Estimate:
    """Return the Poisson estimate with product effects (statsmodels), clustered by period.

    Raises:
        ValueError: if no price moved.
        ImportError: without statsmodels.
    """
    _check_moved(factor - factor.mean(0), "no product's price moved")
    api = import_extra("statsmodels.api", "pricing", "--effects product")
    periods, products = units.shape
    design = np.column_stack([np.tile(np.eye(products), (periods, 1)), -factor.ravel()])
    model = api.GLM(units.ravel(), design, family=api.families.Poisson())
    groups = np.repeat(np.arange(periods), products)
    found = model.fit(cov_type="cluster", cov_kwds={"groups": groups})
    return Estimate(float(found.params[-1]), float(found.bse[-1]), "product")


def instrumented(units: Floats, factor: Floats, instrument: Floats) -> Estimate:
    """Return the two-stage least squares estimate of log units with product effects (statsmodels).

    Cells without sales are left out.

    Raises:
        ValueError: if no price moved, or the instrument hardly moves prices.
        ImportError: without statsmodels.
    """
    _check_moved(factor - factor.mean(0), "no product's price moved")
    gmm = import_extra("statsmodels.sandbox.regression.gmm", "pricing", "--instrument")
    api = import_extra("statsmodels.api", "pricing", "--instrument")
    sold = units > 0
    groups = np.nonzero(sold)[0]
    effects = np.eye(units.shape[1])[np.nonzero(sold)[1]]
    price, lever = factor[sold], instrument[sold]
    stage: Any = api.OLS(price, np.column_stack([effects, lever])).fit(
        cov_type="cluster", cov_kwds={"groups": groups}
    )
    strength = float(stage.tvalues[-1] ** 2)
    if not strength >= _LEAST_F:
        raise ValueError(
            f"the price sensitivity is not identified: the instrument hardly moves prices (first-stage F "
            f"{strength:.2g}, needed {_LEAST_F:g})"
        )
    design = np.column_stack([effects, -price])
    levers = np.column_stack([effects, lever])
    found: Any = gmm.IV2SLS(np.log(units[sold]), design, levers).fit()
    error = _clustered_error(design, levers, np.asarray(found.resid), groups)
    return Estimate(float(found.params[-1]), error, "instrument", strength)


def _clustered_error(design: Floats, levers: Floats, residual: Floats, groups: Any) -> float:
    """Return the standard error of the last coefficient of two-stage least squares, clustered."""
    fitted = levers @ np.linalg.lstsq(levers, design, rcond=None)[0]
    inverse = np.linalg.pinv(fitted.T @ fitted)
    scores = np.zeros((int(groups.max()) + 1, design.shape[1]))
    np.add.at(scores, groups, fitted * residual[:, None])
    return float(np.sqrt((inverse @ (scores.T @ scores) @ inverse)[-1, -1]))


def check_identified(estimate: Estimate, factor: Floats) -> None:
    """Refuse an estimate that could be 0, or has the wrong sign.

    Raises:
        ValueError: naming the estimate, its standard error and what to do.
    """
    value, error = estimate.value, estimate.standard_error
    said = f"the estimate is {value:.3g} with standard error {error:.3g} ({estimate.method} effects)"
    if not (np.isfinite(value) and np.isfinite(error)):
        raise ValueError(f"the price sensitivity is not identified: {said}; nothing was written")
    if value < -LEAST_T * error:
        raise ValueError(
            f"{said}: demand seems to rise with the price, so prices followed demand; nothing was written. "
            "Name a column that moves prices and not demand, such as a purchase cost, with --instrument"
        )
    if value <= LEAST_T * error:
        spread = float((factor - factor.mean(0)).std())
        raise ValueError(
            f"the price sensitivity is not identified: {said}, within {LEAST_T:g} standard errors of 0; "
            f"prices moved by {spread:.1%} of their mean (standard deviation). Nothing was written: give a "
            "longer log or one in which prices varied more"
        )


def _check_moved(moved: Floats, why: str) -> None:
    if float(np.abs(moved).max()) < 1e-6:
        raise ValueError(f"the price sensitivity is not identified: {why}; nothing was written")
