import numpy as np
import pytest

import sb3_ecom
from sb3_ecom.core.loop import StepLoop
from sb3_ecom.envs.inventory.dual_sourcing.baselines import tuned
from sb3_ecom.envs.inventory.dual_sourcing.dynamics import Orders, State, step
from sb3_ecom.envs.inventory.dual_sourcing.oracle import solve_dual_sourcing
from sb3_ecom.envs.inventory.dual_sourcing.params import DualSourcingParams
from tests.envs.inventory import truth


@pytest.mark.parametrize("express_cost", truth.DUAL_SOURCING)
def test_optimal_cost_of_dual_sourcing(express_cost):
    found = solve_dual_sourcing(DualSourcingParams(express_cost=express_cost)).cost
    assert found == pytest.approx(truth.DUAL_SOURCING[express_cost], abs=1e-4)


@pytest.mark.parametrize(("express_cost", "percent"), [(105, 0.06), (110, 0.99)])
def test_tailored_base_surge_has_the_published_gap(express_cost, percent):
    cost = tuned(DualSourcingParams(express_cost=express_cost), "tailored_base_surge")[1]
    assert 100 * (cost / truth.DUAL_SOURCING[express_cost] - 1) == pytest.approx(percent, abs=0.006)


def test_simulated_average_of_the_optimal_policy_is_the_computed_one():
    entry = sb3_ecom.spec("EcomDualSourcing-v0")
    oracle = entry.oracle(express_cost=110.0)
    policy = oracle.policy(StepLoop(entry.make_task(express_cost=110.0), 1))
    result = sb3_ecom.evaluate("EcomDualSourcing-v0", policy, episodes=512, express_cost=110.0)
    assert abs(result.mean - oracle.value) < 3 * result.stderr


def test_longer_lead_times_and_other_laws_are_solved_too():
    costs = [solve_dual_sourcing(DualSourcingParams(regular_lead_time=lead)).cost for lead in (1, 2, 3)]
    assert costs == sorted(costs)
    poisson = DualSourcingParams(demand="poisson")
    assert solve_dual_sourcing(poisson).cost <= tuned(poisson, "capped_dual_index")[1] + 1e-3


def test_express_units_serve_the_demand_of_their_own_period_and_regular_ones_do_not():
    params = DualSourcingParams()
    one = np.ones(1, np.float32)
    state, outcome = step(State(one * 0, one[:, None] * 3), Orders(one * 2, one * 1), one * 4, params)
    assert (outcome.left, outcome.waiting) == (0, 3)
    assert (state.on_hand, state.pipeline) == (0, 2)


def test_joint_actions_order_what_pairs_order():
    pair, joint = (sb3_ecom.spec("EcomDualSourcing-v0").make_task(action=kind) for kind in ("pair", "joint"))
    assert joint.action_space.n == (pair.params.order_limit + 1) ** 2
    orders = np.array([[0, 3], [5, 0], [8, 8]])
    first, second = StepLoop(pair, 3), StepLoop(joint, 3)
    first.reset(0)
    second.reset(0)
    ours, theirs = first.step(pair.to_action(orders)), second.step(joint.to_action(orders))
    np.testing.assert_array_equal(ours.observation, theirs.observation)
    np.testing.assert_array_equal(ours.step_info["regular"][:2], orders[:2, 0])
    results = [
        sb3_ecom.evaluate("EcomDualSourcing-v0", "dual_index", episodes=64, action=kind)
        for kind in ("pair", "joint")
    ]
    np.testing.assert_array_equal(results[0].returns, results[1].returns)


def test_invalid_params_name_parameter_bound_and_value():
    with pytest.raises(ValueError, match=r"express_cost must be in \[100.*got 90"):
        DualSourcingParams(express_cost=90)
    with pytest.raises(ValueError, match=r"demand_mean must be a multiple of 0\.5"):
        DualSourcingParams(demand_mean=2.3)
