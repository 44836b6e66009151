"""Dual ascent finds the price at which a limit holds."""

import numpy as np
import pytest
from stable_baselines3 import A2C, DQN, PPO
from stable_baselines3.common.vec_env import DummyVecEnv, VecNormalize

from sb3_ecom.core.single_env import EcomEnv
from sb3_ecom.sb3.callbacks.dual_ascent import DualAscent
from sb3_ecom.sb3.vec_env import EcomVecEnv
from sb3_ecom.sb3.vec_wrappers.rewards import VecConstrainedReward, VecWeightedReward
from sb3_ecom.wrappers import ConstrainedReward, WeightedReward
from tests.wrappers.coupons import BUDGET, COST, HORIZON, TYPES, CouponTask, exact, optimum

TABULAR = {"net_arch": []}


def coupons(n):
    return EcomVecEnv(CouponTask(), n)


def train(seed, steps=150_000):
    """Return the callback and a PPO whose logits are a table over visitor types."""
    model = PPO(
        "MlpPolicy",
        VecConstrainedReward(coupons(256), "spend", BUDGET),
        n_steps=10,
        batch_size=640,
        n_epochs=4,
        learning_rate=lambda left: 0.06 * max(left, 0.05),
        gamma=0.0,  # what comes next does not depend on the action
        ent_coef=0.06,
        normalize_advantage=False,
        policy_kwargs=TABULAR,
        seed=seed,
        device="cpu",
    )
    callback = DualAscent(rate=0.02, damping=0.1, min_steps=2000)
    model.learn(steps, callback=callback)
    return callback, model


def check_optimum(seed):
    callback, model = train(seed)
    best, price = optimum()
    assert COST.sum() * HORIZON / TYPES > 1.5 * BUDGET  # the limit binds
    value, spend = exact(model)  # computed from the action probabilities, not simulated
    assert spend == pytest.approx(BUDGET, rel=0.02)
    assert value == pytest.approx(best, rel=0.02)
    assert callback.multiplier == pytest.approx(price, rel=0.1)


def test_ppo_lands_on_the_limit_of_a_task_with_a_known_optimum():
    check_optimum(seed=0)


@pytest.mark.slow
@pytest.mark.parametrize("seed", [1, 2, 3, 4])
def test_ppo_lands_on_the_limit_for_other_seeds(seed):
    check_optimum(seed)


def a2c(venv):
    return A2C("MlpPolicy", venv, n_steps=10, policy_kwargs=TABULAR, device="cpu", seed=0)


@pytest.mark.parametrize(
    "venv",
    [
        lambda: VecConstrainedReward(coupons(4), "spend", 1.0),
        lambda: VecNormalize(VecConstrainedReward(coupons(4), "spend", 1.0), norm_obs=False),
        lambda: DummyVecEnv([lambda: ConstrainedReward(EcomEnv(CouponTask()), "spend", 1.0)] * 4),
    ],
)
def test_the_multiplier_rises_while_the_limit_is_broken_in_every_face(venv):
    callback = DualAscent(rate=0.1, min_steps=40)
    a2c(venv()).learn(200, callback=callback)
    # A policy that starts at random spends about 3.25 an episode against a limit of 1.
    assert 5 * 0.1 * 1.0 < callback.multiplier < 5 * 0.1 * 5.0


def test_the_faces_measure_the_same_use():
    multipliers = []
    for venv in (
        VecConstrainedReward(coupons(1), "spend", 1.0),
        DummyVecEnv([lambda: ConstrainedReward(EcomEnv(CouponTask()), "spend", 1.0)]),
    ):
        callback = DualAscent(rate=0.1, min_steps=50)
        a2c(venv).learn(300, callback=callback)
        multipliers.append(callback.multiplier)
    assert multipliers[0] == pytest.approx(multipliers[1], rel=1e-5)


def test_a_limit_with_slack_costs_nothing():
    callback = DualAscent(rate=0.1, min_steps=40)
    a2c(VecConstrainedReward(coupons(4), "spend", 100.0, multiplier=0.5)).learn(400, callback=callback)
    assert callback.multiplier == 0.0


def test_a_ratio_and_a_lower_limit_turn_the_right_way():
    callback = DualAscent(rate=0.1, min_steps=40)
    venv = VecConstrainedReward(coupons(4), "value", 5.0, per="spend", at_least=True)
    a2c(venv).learn(200, callback=callback)
    assert callback.multiplier > 0.5  # value per unit of spend is far below 5


def test_two_constraints_are_told_apart_by_their_terms():
    single = ConstrainedReward(ConstrainedReward(EcomEnv(CouponTask()), "spend", 1.0), "value", 1.0)
    stacked = VecConstrainedReward(VecConstrainedReward(coupons(1), "spend", 1.0), "value", 1.0)
    for venv in (DummyVecEnv([lambda: single]), stacked):
        callbacks = [DualAscent(rate=0.1, min_steps=20, term=term) for term in ("spend", "value")]
        a2c(venv).learn(100, callback=callbacks)
        assert callbacks[0].multiplier != callbacks[1].multiplier
        assert all(callback.multiplier > 0 for callback in callbacks)
        if venv is not stacked:
            assert single.rule.multiplier == callbacks[1].multiplier
            assert single.env.rule.multiplier == callbacks[0].multiplier


def test_it_works_off_policy_and_waits_for_enough_steps():
    callback = DualAscent(rate=0.1, min_steps=100)
    model = DQN("MlpPolicy", VecConstrainedReward(coupons(1), "spend", 1.0), learning_starts=50, device="cpu")
    model.learn(92, callback=callback)  # DQN's rollouts are 4 steps long
    assert callback.multiplier == 0.0
    model.learn(10, callback=callback, reset_num_timesteps=False)
    assert callback.multiplier > 0.0


def test_the_price_survives_a_second_call_of_learn():
    callback = DualAscent(rate=0.1, min_steps=40)
    venv = VecConstrainedReward(coupons(4), "spend", 1.0)
    model = a2c(venv)
    model.learn(200, callback=callback)
    before = callback.integral
    model.learn(40, callback=callback, reset_num_timesteps=False)
    assert callback.integral > before
    assert venv.rule.multiplier == callback.multiplier


def test_without_a_constraint_it_says_what_it_needs():
    for venv in (
        VecWeightedReward(coupons(1), {"value": 1.0}),
        DummyVecEnv([lambda: WeightedReward(EcomEnv(CouponTask()), {"value": 1.0})]),
        VecConstrainedReward(coupons(1), "spend", 1.0),
    ):
        with pytest.raises(
            ValueError, match=r"needs a VecConstrainedReward or ConstrainedReward \(term='value'\)"
        ):
            a2c(venv).learn(10, callback=DualAscent(term="value"))


@pytest.mark.parametrize(
    ("kwargs", "message"),
    [
        ({"rate": 0.0}, r"rate must be > 0, got 0\.0"),
        ({"damping": -1.0}, r"damping must be >= 0, got -1\.0"),
        ({"min_steps": 0}, "min_steps must be a whole number >= 1, got 0"),
    ],
)
def test_a_bad_parameter_is_named(kwargs, message):
    with pytest.raises(ValueError, match=message):
        DualAscent(**kwargs)


def test_the_exact_optimum_is_that_of_a_linear_program():
    from scipy.optimize import linprog

    from tests.wrappers.coupons import VALUE

    visits = HORIZON / TYPES
    answer = linprog(-VALUE * visits, A_ub=[COST * visits], b_ub=[BUDGET], bounds=[(0, 1)] * TYPES)
    best, price = optimum()
    assert best == pytest.approx(-answer.fun, rel=1e-6)
    assert price == pytest.approx(-np.asarray(answer.ineqlin.marginals)[0], rel=1e-6)
