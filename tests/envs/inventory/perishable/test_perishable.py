import numpy as np
import pytest

import sb3_ecom
from sb3_ecom.core.loop import StepLoop
from sb3_ecom.envs.inventory.perishable.baselines import tuned
from sb3_ecom.envs.inventory.perishable.dynamics import State, step
from sb3_ecom.envs.inventory.perishable.oracle import solve_perishable
from sb3_ecom.envs.inventory.perishable.params import PerishableParams
from sb3_ecom.envs.inventory.single_item.oracle import solve_lost_sales
from sb3_ecom.envs.inventory.single_item.params import SingleItemParams

FAMILIES = ("base_stock", "waste_corrected_base_stock", "constant_order")


@pytest.mark.parametrize("issuing", ["fifo", "lifo"])
@pytest.mark.parametrize("lead_time", [1, 2])
def test_no_baseline_beats_value_iteration(issuing, lead_time):
    params = PerishableParams(issuing=issuing, lead_time=lead_time)
    optimum = solve_perishable(params).cost
    assert all(optimum <= tuned(params, name)[1] + 1e-5 for name in FAMILIES)


def test_lifo_costs_more_than_fifo():
    fifo, lifo = (solve_perishable(PerishableParams(issuing=kind)).cost for kind in ("fifo", "lifo"))
    assert lifo > fifo


def test_item_that_hardly_ever_spoils_costs_what_a_lasting_one_costs():
    # Life 5 with 1.5 units sold a period: waste is rare and free here, so the lasting item is nearly a bound.
    kwargs = {"demand_mean": 1.5, "holding_cost": 1.0, "penalty": 4.0, "max_order": 4}
    lasting = solve_lost_sales(SingleItemParams(lead_time=1, **kwargs)).cost
    spoiling = solve_perishable(
        PerishableParams(lead_time=1, shelf_life=5, order_cost=0.0, waste_cost=0.0, **kwargs)
    ).cost
    assert spoiling == pytest.approx(lasting, rel=0.02)


def test_simulated_average_of_the_optimal_policy_is_the_computed_one():
    entry = sb3_ecom.spec("EcomPerishable-v0")
    oracle = entry.oracle(issuing="lifo")
    policy = oracle.policy(StepLoop(entry.make_task(issuing="lifo"), 1))
    result = sb3_ecom.evaluate("EcomPerishable-v0", policy, episodes=512, issuing="lifo")
    assert abs(result.mean - oracle.value) < 3 * result.stderr


@pytest.mark.parametrize(
    ("issuing", "kept", "wasted"), [("fifo", [1, 4], 0), ("lifo", [3, 0], 2)], ids=["fifo", "lifo"]
)
def test_customers_take_the_oldest_or_the_newest_unit_first(issuing, kept, wasted):
    params = PerishableParams(shelf_life=3, lead_time=1, issuing=issuing)
    one = np.ones(1, np.float32)
    shelf = np.array([[2.0, 3.0, 4.0]], np.float32)
    state, outcome = step(State(shelf, np.zeros((1, 0), np.float32)), one * 5, one * 4, params)
    np.testing.assert_array_equal(state.on_hand[0], [*kept, 5])
    assert (outcome.wasted, outcome.lost, outcome.kept) == (wasted, 0, sum(kept))


def test_invalid_params_name_parameter_bound_and_value():
    with pytest.raises(ValueError, match=r"shelf_life must be a whole number in \[2, 5\] periods, got 7"):
        PerishableParams(shelf_life=7)
    with pytest.raises(ValueError, match="issuing must be one of fifo, lifo, got 'random'"):
        PerishableParams(issuing="random")
