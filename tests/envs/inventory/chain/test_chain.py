import numpy as np
import pytest

import sb3_ecom
from sb3_ecom.envs.inventory.chain.baselines import (
    best_levels,
    constant_orders,
    echelon_orders,
    simulated_profit,
)
from sb3_ecom.envs.inventory.chain.dynamics import State, step
from sb3_ecom.envs.inventory.chain.oracle import hindsight_profits
from sb3_ecom.envs.inventory.chain.params import ChainParams

# unmet: hindsight bound, best echelon base stock and its profit, as found independently for or-gym's chain
PUBLISHED = {"backlog": (561.0, (91, 211, 415), 410.7), "lost": (556.8, (93, 210, 408), 407.5)}
both = pytest.mark.parametrize("unmet", PUBLISHED)


@both
def test_profit_of_the_best_base_stock_is_reproduced(unmet):
    _, levels, profit = PUBLISHED[unmet]
    params = ChainParams(unmet=unmet)
    found = simulated_profit(params, echelon_orders(params, levels), 4096)
    # The quoted mean has a sampling error of its own, about that of 1,000 seasons.
    assert abs(found.mean() - profit) < 3 * found.std() * np.sqrt(1 / 4096 + 1 / 1000)


@both
def test_search_finds_the_best_base_stock(unmet):
    np.testing.assert_allclose(best_levels(ChainParams(unmet=unmet)), PUBLISHED[unmet][1], atol=3)


@both
def test_hindsight_bound_is_reproduced(unmet):
    found = hindsight_profits(ChainParams(unmet=unmet), 200)
    assert abs(found.mean() - PUBLISHED[unmet][0]) < 3 * found.std() / np.sqrt(200)


def test_hindsight_program_earns_what_the_simulator_pays_for_its_orders():
    # One stage with ample capacity, no demand noise: buying exactly what is sold in time is optimal by hand.
    params = ChainParams(
        demand="uniform",
        demand_mean=0.5,
        periods=3,
        start_stock=(1,),
        capacities=(5,),
        lead_times=(1,),
        prices=(2.0, 1.0),
        replenishment_costs=(1.0, 0.5),
        backlog_costs=(0.1, 0.1),
        holding_costs=(0.2,),
        discount=1.0,
    )
    paths = hindsight_profits(params, 64)
    # A unit sold earns 2 - 1 + 1 - .5 = 1.5 where it was bought, 2 where it stood on the shelf.
    assert paths.max() <= 2.0 + 2 * 1.5
    assert paths.min() >= -3 * 0.2


def test_supplier_sends_what_capacity_and_stock_before_receipt_allow():
    params = ChainParams()
    state = State(
        np.zeros(1, np.float32),
        np.array([[10.0, 30.0, 500.0]], np.float32),
        np.zeros((1, 4), np.float32),
        np.zeros((1, 18), np.float32),
    )
    orders = np.array([[50.0, 95.0, 80.0]], np.float32)
    state, outcome = step(state, orders, np.full(1, 25.0, np.float32), params)
    np.testing.assert_array_equal(outcome.sold, [[10, 30, 90, 80]])
    np.testing.assert_array_equal(outcome.unserved, [[15, 20, 5, 0]])
    np.testing.assert_array_equal(state.on_hand, [[0, 0, 410]])
    assert (state.transit[0, 2], state.transit[0, 7], state.transit[0, 17]) == (30, 90, 80)


def test_unserved_units_are_forgotten_when_they_are_lost():
    params = ChainParams(unmet="lost")
    task = sb3_ecom.spec("EcomChain-v0").make_task(unmet="lost")
    state = task.initial_state(np.zeros(1, np.float32)).hidden
    state, outcome = step(state, np.full((1, 3), 80.0, np.float32), np.full(1, 150.0, np.float32), params)
    assert outcome.unserved[0, 0] == 50
    assert not state.unserved.any()


def test_money_is_discounted_from_the_first_period_on():
    params = ChainParams()
    rule = constant_orders(params, (0, 0, 0))
    assert simulated_profit(params, rule, 8).shape == (8,)
    task = sb3_ecom.spec("EcomChain-v0").make_task()
    state = task.initial_state(np.zeros(1, np.float32)).hidden
    for expected in (1.0, 0.97, 0.97**2):
        state, outcome = step(state, np.zeros((1, 3), np.float32), np.full(1, 20.0, np.float32), params)
        assert outcome.discount == pytest.approx(expected)


def test_invalid_params_name_parameter_bound_and_value():
    with pytest.raises(ValueError, match=r"prices must hold 4 values .*, got 2"):
        ChainParams(prices=(1.0, 2.0))
    with pytest.raises(ValueError, match=r"discount must be in \[0\.001, 1\], got 1\.5"):
        ChainParams(discount=1.5)
