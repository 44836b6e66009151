"""Targeting: the exact plan against plain recursion and simulation, budget and fatigue by hand."""

import functools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sb3_ecom.core.arrays import NumpyBackend
from sb3_ecom.core.evaluate import random_policy, run_episodes
from sb3_ecom.core.loop import StepLoop
from sb3_ecom.core.tracker import State
from sb3_ecom.envs.advertising.targeting import baselines, oracle, planning
from sb3_ecom.envs.advertising.targeting.dynamics import Noise
from sb3_ecom.envs.advertising.targeting.env import TargetTask


def value_by_recursion(rates, p):
    """Plain recursion over visits, one state at a time."""

    @functools.cache
    def value(page, left, fatigue):
        if page == p.pages:
            return 0.0
        rested = tuple(max(f - 1, 0) for f in fatigue)
        options = [(0.0, left, rested)]
        for k in range(p.creatives if left else 0):
            gain = rates[k] * np.exp(-p.wear * fatigue[k]) - p.price
            tired = tuple(min(f + (i == k), p.fatigue_levels - 1) for i, f in enumerate(fatigue))
            options.append((gain, left - 1, tired))
        return max(
            gain + (1 - min(p.leave + p.annoyance * sum(f), 1.0)) * value(page + 1, rest, f)
            for gain, rest, f in options
        )

    return value(0, p.budget, (0,) * p.creatives)


@pytest.mark.parametrize("seed", range(4))
def test_plan_equals_plain_recursion(seed):
    params = TargetTask(
        creatives=3, pages=9, budget=4, fatigue_levels=3, table_seed=seed, annoyance=0.05
    ).params
    for rates in params.click_rates():
        assert planning.solve(rates, params).value == pytest.approx(
            value_by_recursion(rates, params), abs=1e-12
        )


def test_following_the_plan_earns_its_value():
    task, n = TargetTask(), 4000
    loop = StepLoop(task, n)
    totals = run_episodes(loop, oracle.oracle_policy(loop), 2)["reward"]
    assert totals.mean() == pytest.approx(
        oracle.oracle(TargetTask()).value, abs=3.5 * totals.std() / np.sqrt(n)
    )


def test_ladder_and_bound():
    task, n, bound = TargetTask(), 3000, oracle.oracle(TargetTask()).value
    makers = (
        lambda loop: random_policy(task, n, 1),
        lambda loop: baselines.popular(task),
        lambda loop: baselines.believed_plan(task),
        oracle.oracle_policy,
    )
    before = None
    for make in makers:
        loop = StepLoop(task, n)
        rewards = run_episodes(loop, make(loop), 6)["reward"]
        error = rewards.std() / np.sqrt(n)
        assert rewards.mean() < bound + 3 * error
        if before is not None:
            assert rewards.mean() > before + 2 * error
        before = rewards.mean()


def test_upworthy_preset_has_the_click_rates_of_the_tests():
    """Mean click rate of an arm .0159 and log sd .235 between arms, over many drawn markets."""
    rates = np.array([TargetTask("upworthy", table_seed=seed).params.click_rates() for seed in range(300)])
    logs = np.log(rates)
    assert np.exp(np.median(logs)) == pytest.approx(0.0159, rel=0.05)
    arms = logs.mean(axis=1)  # over types: what is left of interests is .69 / sqrt(6)
    between = np.sqrt(arms.var(axis=1, ddof=1).mean() - 0.69**2 / 6)
    assert between == pytest.approx(0.235, rel=0.15)
    assert oracle.oracle(TargetTask("upworthy")).value > 0


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10**6), st.integers(0, 6))
def test_budget_holds_and_clicks_need_impressions(seed, budget):
    task, n = TargetTask(budget=max(budget, 1)), 8
    source, draw = NumpyBackend(np.random.default_rng(seed)), np.random.default_rng(seed)
    state = task.initial_state(task.draw_reset(source, n))
    tracked = state.tracked
    state = state._replace(tracked=tracked._replace(impressions_left=tracked.page + budget))
    for _ in range(12):
        state, outcome = task.step(state, draw.integers(6, size=n), task.draw_step(source, n))
        assert np.all(outcome.clicked <= outcome.shown)
        tracked = state.tracked
        assert np.all(tracked.clicks <= tracked.shown)
        left = tracked.impressions_left
        assert np.all((left >= 0) & (left + tracked.shown.sum(1) == budget))
        assert np.all((tracked.fatigue >= 0) & (tracked.fatigue <= 3))
        np.testing.assert_array_equal(tracked.fatigue, state.hidden.fatigue)


def test_a_page_by_hand():
    task = TargetTask()
    fatigue = np.array([[2.0, 3.0, 0, 0, 1.0]], np.float32)
    hidden, tracked = task.initial_state(np.zeros(1, np.float32))
    state = State(hidden._replace(fatigue=fatigue), tracked._replace(fatigue=fatigue))
    noise = Noise(np.zeros(1, np.float32), np.full(1, 0.5, np.float32))
    shown, outcome = task.step(state, np.array([0]), noise)
    rate = task.params.click_rates()[0, 0] * np.exp(-2 * task.params.wear)
    assert outcome.click_rate[0] == pytest.approx(rate, rel=1e-5)
    assert outcome.clicked[0] == 1
    np.testing.assert_array_equal(shown.hidden.fatigue, [[3, 3, 0, 0, 1]])
    rested, outcome = task.step(state, np.array([5]), noise)
    np.testing.assert_array_equal(rested.hidden.fatigue, [[1, 2, 0, 0, 0]])
    assert outcome.shown[0] == outcome.clicked[0] == 0


def test_belief_is_exact_bayes():
    task, n = TargetTask(), 4000
    loop, belief = StepLoop(task, n), baselines.Belief(task)
    observation, draw = loop.reset(3), np.random.default_rng(0)
    alive = np.ones(n, bool)
    kinds = loop.state.hidden.visitor_type.copy()
    chance = np.zeros((n, 6))
    for _ in range(6):
        now = belief.update(baselines.unscale(task, observation))
        chance[alive] = now[alive]
        result = loop.step(draw.integers(6, size=n))
        observation = result.observation
        alive[result.rows] = False
    # Calibrated: among copies believed to be of a type with chance p, a share p is of that type.
    for low, high in ((0.05, 0.15), (0.2, 0.3), (0.4, 0.7)):
        rows, types = np.nonzero((chance > low) & (chance < high))
        error = np.sqrt(0.25 / len(rows))
        assert (kinds[rows] == types).mean() == pytest.approx(chance[rows, types].mean(), abs=4 * error)


@pytest.mark.parametrize(
    ("kwargs", "message"),
    [
        ({"creatives": 0}, r"creatives must be in \[1, 12\], got 0"),
        (
            {"creatives": 9},
            r"fatigue_levels \*\* creatives must be a whole number in \[1, 4096\], got 262144",
        ),
        ({"pages": 1}, r"pages must be in \[2, 10000\], got 1"),
        ({"budget": 0}, r"budget must be in \[1, 10000\], got 0"),
        ({"leave": 1.5}, r"leave must be in \[0, 1\], got 1.5"),
        ({"click_rate": 0.0}, r"click_rate must be in \[1e-09, 1\], got 0.0"),
        ({"preset": "moon"}, "preset must be one of default, upworthy, got 'moon'"),
        ({"wear": float("nan")}, "wear must be a finite number, got nan"),
        ({"nonsense": 1}, "unknown parameter of EcomAdsTarget.*nonsense"),
    ],
)
def test_bad_parameters_are_named(kwargs, message):
    with pytest.raises(ValueError, match=message):
        TargetTask(**kwargs)
