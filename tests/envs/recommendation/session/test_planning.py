"""The page search against all pages there are."""

from itertools import permutations

import numpy as np

from sb3_ecom.envs.recommendation.session.planning import best_page
from sb3_ecom.envs.recommendation.session.visit_tables import visit_tables
from tests.envs.recommendation.small_shop import small_params


def test_the_page_search_finds_the_best_of_all_pages():
    tables, rng = visit_tables(small_params(slate_size=3)), np.random.default_rng(2)
    slots, outside = np.exp(tables.slot), float(tables.outside[0])
    weights, click_value = rng.gamma(1.0, 2.0, (20, 6)), 1 + rng.gamma(2.0, 1.0, (20, 6))
    idle_value = rng.random(20)
    pages = np.array(list(permutations(range(6), 3)))
    shown = weights[:, pages] * slots
    earned = (shown * click_value[:, pages]).sum(-1) + outside * idle_value[:, None]
    best = pages[np.argmax(earned / (outside + shown.sum(-1)), axis=1)]
    np.testing.assert_array_equal(best_page(tables, weights, click_value, idle_value), best)
