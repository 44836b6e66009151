"""Does pricing by what was seen beat the best tuned rule where demand is hidden?

One product, few periods, the logit and Poisson demand of EcomPricing-v0, and a demand level and a price
sensitivity that are each one of two, drawn for the season and switching now and then. Everything is exact:
the optimum is a dynamic programme over all histories of prices and sales (beliefs are their posteriors);
rules are valued by their joint law of stock and hidden type. Rules: the best fixed price; a rule of thumb on
time and stock (three parameters, searched on a grid); and the best table of any price for every time and
stock that coordinate ascent finds, far more than a rule of thumb. Where demand is known (`hidden` no) the
same season is the textbook's, and the fixed price nearly does. The answer is in column `optimum_over_it` of
benchmarks/results/pricing_gate.csv: the optimum without hidden knowledge as a multiple of each rule.

    python benchmarks/studies/pricing_gate.py
"""

from __future__ import annotations

import argparse
from itertools import product
from typing import Any, NamedTuple

import numpy as np
from records import commit, save
from scipy.stats import poisson

from sb3_ecom.envs.pricing.demand import attraction

Values = np.ndarray[Any, Any]
COLUMNS = ("hidden", "policy", "knows", "value", "optimum_over_it")


class Instance(NamedTuple):
    """A season of one product whose hidden type is one of H."""

    price: Values  # (P,)
    sales: Values  # (stock + 1, P, H, stock + 1) chance of selling k units
    switch: Values  # (H, H) chances of the next type
    prior: Values  # (H,)
    periods: int
    stock: int


def make_instance(
    levels: tuple[float, ...], sensitivities: tuple[float, ...], periods: int = 6, stock: int = 7
) -> Instance:
    """Return the season whose level and sensitivity are among these, equally likely."""
    visitors, appeal, keep = 1.8, 0.0, 0.97
    price = np.array([0.5, 0.85, 1.4, 2.3])
    types = list(product(levels, sensitivities))
    slopes = np.array([b for _, b in types])
    weight = attraction(price[:, None, None], slopes[:, None], np.array(appeal))[..., 0]
    mean = visitors * np.array([level for level, _ in types]) * weight / (1 + weight)
    sales = np.zeros((stock + 1, len(price), len(types), stock + 1))
    for left in range(stock + 1):
        sales[left, :, :, :left] = poisson.pmf(np.arange(left), mean[..., None])
        sales[left, :, :, left] = poisson.sf(left - 1, mean)
    parts = [keep * np.eye(n) + (1 - keep) / n for n in (len(levels), len(sensitivities))]
    return Instance(price, sales, np.kron(*parts), np.full(len(types), 1 / len(types)), periods, stock)


def value_of_table(season: Instance, table: Values) -> float:
    """Return the revenue of the (periods, stock + 1) table of price indices."""
    joint, total = np.zeros((season.stock + 1, len(season.prior))), 0.0
    joint[season.stock] = season.prior
    units = np.arange(season.stock + 1)
    for row in table:
        after = np.zeros_like(joint)
        after[0] = joint[0]
        for left in range(1, season.stock + 1):
            law = joint[left][:, None] * season.sales[left, row[left]]
            total += season.price[row[left]] * float(law.sum(axis=0) @ units)
            after[left::-1] += law[:, : left + 1].T
        joint = after @ season.switch
    return total


def best_fixed(season: Instance) -> float:
    """Return the value of the best price that never changes."""
    shape = (season.periods, season.stock + 1)
    return max(value_of_table(season, np.full(shape, index)) for index in range(len(season.price)))


def best_thumb(season: Instance) -> float:
    """Return the value of the best rule: base - slope x (stock - time left) + trend x time left."""
    log_price = np.log(season.price)
    time = 1 - np.arange(season.periods)[:, None] / season.periods
    ahead = np.arange(season.stock + 1)[None] / season.stock - time
    best = 0.0
    for base, slope, trend in product(
        np.linspace(log_price[0], log_price[-1], 17),
        np.linspace(0, 3, 13),
        np.linspace(-1.5, 1.5, 13),
    ):
        wanted = base - slope * ahead + trend * (time - 0.5)
        table = np.abs(wanted[..., None] - log_price).argmin(axis=-1)
        best = max(best, value_of_table(season, table))
    return best


def best_table(season: Instance, restarts: int) -> float:
    """Return the best value that coordinate ascent over all tables finds."""
    source, best = np.random.default_rng(0), 0.0
    shape, prices = (season.periods, season.stock + 1), len(season.price)
    for restart in range(restarts):
        table = np.full(shape, restart) if restart < prices else source.integers(prices, size=shape)
        value, improved = value_of_table(season, table), True
        while improved:
            improved = False
            for row, left, index in product(range(shape[0]), range(1, shape[1]), range(prices)):
                other = table.copy()
                other[row, left] = index
                found = value_of_table(season, other)
                if found > value + 1e-12:
                    value, table, improved = found, other, True
        best = max(best, value)
    return best


def known_types(season: Instance) -> float:
    """Return the value of the optimum for a shop that sees the type in every period: a bound."""
    units, ahead = np.arange(season.stock + 1), np.zeros((season.stock + 1, len(season.prior)))
    for _ in range(season.periods):
        later, now = ahead @ season.switch.T, np.zeros_like(ahead)
        for left in range(1, season.stock + 1):
            law = season.sales[left]
            gain = law @ units * season.price[:, None]
            rest = np.einsum("phk,kh->ph", law[..., : left + 1], later[left::-1])
            now[left] = (gain + rest).max(axis=0)
        ahead = now
    return float(season.prior @ ahead[season.stock])


def optimum(season: Instance) -> float:
    """Return the value of the best policy that sees prices and sales alone."""
    gain = np.einsum("sphk,k->sph", season.sales, np.arange(season.stock + 1)) * season.price[None, :, None]

    def value(joint: Values, left: Values, period: int) -> Values:
        """Return the best revenue to come of histories: (m, H) chance with each type, (m,) stock."""
        earned = np.einsum("mh,mph->mp", joint, gain[left])
        if period + 1 < season.periods:
            children = []
            for index, sold in product(range(len(season.price)), range(season.stock)):
                rows = np.flatnonzero(left > sold)
                after = (joint[rows] * season.sales[left[rows], index, :, sold]) @ season.switch
                children.append((rows, index, after, left[rows] - sold))
            stacked = (np.concatenate([child[k] for child in children]) for k in (2, 3))
            rest, first = value(*stacked, period + 1), 0
            for rows, index, _, _ in children:
                earned[rows, index] += rest[first : first + len(rows)]
                first += len(rows)
        return earned.max(axis=1)

    return float(value(season.prior[None], np.array([season.stock]), 0)[0])


def rows_of(hidden: str, season: Instance, restarts: int) -> list[tuple[Any, ...]]:
    """Return a row for every policy."""
    best = optimum(season)
    found = {
        ("fixed price", "nothing"): best_fixed(season),
        ("rule of thumb", "time, stock"): best_thumb(season),
        ("best table", "time, stock"): best_table(season, restarts),
        ("optimum", "prices and sales so far"): best,
        ("optimum, types known", "the hidden type"): known_types(season),
    }
    return [(hidden, *name, f"{value:.4f}", f"{best / value:.4f}") for name, value in found.items()]


def main() -> None:
    """Solve and write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--restarts", type=int, default=8, help="of the search for tables")
    parser.add_argument("--periods", type=int, default=6)
    options = parser.parse_args()
    both = {"yes": ((0.6, 1.4), (0.5, 5.4)), "no": ((1.0,), (1.8,))}
    rows = []
    for hidden, (levels, sensitivities) in both.items():
        rows += rows_of(hidden, make_instance(levels, sensitivities, options.periods), options.restarts)
    save("pricing_gate.csv", COLUMNS, rows, f"exact values, commit {commit()}")


if __name__ == "__main__":
    main()
