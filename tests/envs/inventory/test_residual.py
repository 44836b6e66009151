"""Rules that a learner may shift: untouched they are the tuned rules, shifted they order by the shift."""

import numpy as np
import pytest

import sb3_ecom
from sb3_ecom.core.loop import StepLoop
from sb3_ecom.envs.inventory.chain.baselines import best_levels_and_stops, ending_orders
from sb3_ecom.sb3 import VecResidual, make_vec_env

RULES = {
    "EcomDistribution-v0": "base_stock_proportional",
    "EcomChain-v0": "ending_base_stock",
    "EcomSerial-v0": "local_base_stock",
}
every = pytest.mark.parametrize(("env_id", "name"), RULES.items())


def seen_and_rule(env_id, name, steps=6):
    entry = sb3_ecom.spec(env_id)
    task = entry.make_task()
    loop, rule = StepLoop(task, 8), entry.baselines[name](task)
    seen = loop.reset(2)
    for _ in range(steps):
        seen = loop.step(rule(seen)).observation
    return task, rule, seen


@every
def test_shift_of_nothing_is_the_rule_and_features_are_its_actions(env_id, name):
    _, rule, seen = seen_and_rule(env_id, name)
    features = rule.features(seen)
    assert features.shape == (8, rule.num_features)
    assert features.dtype == np.float32
    np.testing.assert_array_equal(rule.act(np.zeros((8, rule.num_offsets))), rule(seen))
    np.testing.assert_array_equal(features, rule(seen))


@every
def test_learner_that_shifts_nothing_earns_what_its_twin_earns(env_id, name):
    venv = VecResidual(make_vec_env(env_id, 4, 3), rule=name)
    venv.reset()
    for _ in range(35):  # past the end of a season of the chain
        observation, reward, _, _ = venv.step(np.zeros((4, *venv.action_space.shape)))
        np.testing.assert_array_equal(reward, 0)
    assert venv.observation_space.contains(observation[0])


def test_retailer_is_sent_more_and_the_warehouse_orders_more_by_the_shift():
    task, rule, seen = seen_and_rule("EcomDistribution-v0", "base_stock_proportional")
    limits = np.append(task.params.order_limit, task.params.shipment_limits)
    rule.features(seen)
    shift = np.zeros((8, rule.num_offsets))
    shift[:, 0], shift[:, 2] = 2.0, 3.0
    units = (rule.act(shift) - rule(seen) + 0.0) * limits / 2
    assert units[:, 0] == pytest.approx(2.0, abs=1e-3)
    assert units[:, 2] == pytest.approx(3.0, abs=1e-3)
    np.testing.assert_allclose(units[:, [1, 3]], 0, atol=1e-5)


def test_shift_orders_in_the_chain_even_when_the_rule_has_stopped():
    task, rule, seen = seen_and_rule("EcomChain-v0", "ending_base_stock", steps=29)
    levels = best_levels_and_stops(task.params)
    state = task.to_state(seen)
    assert not ending_orders(task.params, levels)(state).any()
    rule.features(seen)
    units = (rule.act(np.full((8, 3), 10.0)) + 1) * np.array(task.params.capacities) / 2
    np.testing.assert_allclose(units[:, 2], 10.0, atol=1e-4)


@pytest.mark.parametrize(
    ("kwargs", "message"),
    [
        ({"rule": "constant_order"}, "'constant_order' of EcomChain-v0 has no offsets"),
        ({"rule": "ending_base_stock", "max_offset": 0.0}, r"max_offset must be > 0, got 0\.0"),
    ],
)
def test_rules_without_offsets_are_refused(kwargs, message):
    with pytest.raises(ValueError, match=message):
        VecResidual(make_vec_env("EcomChain-v0", 2, 0), **kwargs)
