"""The second search finds what items do to each other, and the shipped constants are worth their search."""

import numpy as np

from sb3_ecom.envs.inventory.shop.cross_entropy_search import SEARCH, refine
from sb3_ecom.envs.inventory.shop.env import ShopTask
from sb3_ecom.envs.inventory.shop.reorder_rules import RULES
from sb3_ecom.envs.inventory.shop.tuning import item_profits, parameters


def test_refinement_finds_the_top_of_a_hill_that_is_not_axis_aligned():
    top = np.array([0.4, -0.3, 0.2])
    shape = np.array([[2.0, 1.5, 0.0], [1.5, 2.0, 0.5], [0.0, 0.5, 1.0]])
    seen = []

    def score(point, number):
        seen.append(number)
        return -(point - top) @ shape @ (point - top)

    found, spent = refine(score, np.zeros(3))
    assert spent == len(seen) == SEARCH.tried
    assert sorted(set(seen)) == list(range(14))
    assert score(found, 0) > 0.02 * score(np.zeros(3), 0)


def test_refined_constants_earn_more_than_the_grid_s_in_fresh_half_years():
    task = ShopTask()
    profits = [
        item_profits(task, RULES[name], *parameters(task, name), copies=512, seed=31).sum(axis=1)
        for name in ("forecast_refined", "forecast_pro_rata")
    ]
    difference = profits[0] - profits[1]
    assert difference.mean() > 3 * difference.std() / np.sqrt(len(difference))
