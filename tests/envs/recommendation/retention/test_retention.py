"""A month of visits: a visit by hand, days away, and the plan against simulation and exact sums."""

import functools

import numpy as np
import pytest

import sb3_ecom
from sb3_ecom.envs.recommendation.retention import planning
from sb3_ecom.envs.recommendation.retention.dynamics import Noise, days_away, return_chance, start, step
from sb3_ecom.envs.recommendation.retention.env import RetentionTask
from sb3_ecom.envs.recommendation.retention.params import RetentionParams

ID = "EcomRecRetain-v0"


@functools.cache
def result(policy):
    return sb3_ecom.evaluate(ID, policy, episodes=2048)


def test_a_visit_by_hand():
    params = RetentionParams(candidates=3, slate_size=2)
    state = start(np.zeros(1), params)  # intent (1, 0)
    items = np.array([[[1.0, 5.0, 0.0], [2.0, 0.0, 1.0], [-3.0, 0.0, -2.0]]])
    # Weights on the first feature: places 1 and 0. Logits -1.5 + 1.6 + 1 = 1.1 and -1.5 + .8 = -.7.
    chance = 1 / (1 + np.exp(-np.array([1.1, -0.7])))
    noise = Noise(items, np.array([[chance[0] - 0.01, chance[1] + 0.01]]), np.zeros(1), np.full(1, 0.25))
    after, outcome = step(state, np.array([[1.0, 0, 0]]), noise, params)
    np.testing.assert_array_equal(outcome.slate, [[1, 0]])
    np.testing.assert_array_equal(outcome.clicks, [[1, 0]])
    assert outcome.expected[0] == pytest.approx(chance.sum())
    assert outcome.experience[0] == pytest.approx(0.8 * 2 - 1.0 * 1)
    assert outcome.margin[0] == pytest.approx(0.2)
    assert after.satisfaction[0] == pytest.approx(0.7 * 0.3 + 0.3 * 0.6)
    assert after.day[0] == 1
    np.testing.assert_allclose(after.intent, [[0, 1]], atol=1e-12)
    seen = [outcome.total[0], outcome.relevance[0], outcome.bait[0], outcome.gap[0]]
    np.testing.assert_allclose(seen, [1, 2, 1, 0])
    _, none = step(state, np.array([[1.0, 0, 0]]), noise._replace(click=np.ones((1, 2))), params)
    assert none.experience[0] == -0.3


def test_days_away_are_geometric():
    params, n = RetentionParams(), 200_000
    satisfaction = np.full(n, 0.4)
    gap = days_away(np.random.default_rng(0).random(n), satisfaction, params)
    chance = return_chance(satisfaction[:1], params)[0]
    for days in range(5):
        expected = chance * (1 - chance) ** days
        assert (gap == days).mean() == pytest.approx(expected, abs=4 * np.sqrt(expected / n))


def test_the_plan_s_value_is_what_it_earns():
    params = RetentionTask().params
    plan = planning.solve(params, samples=2000)
    value = np.interp(params.start, plan.grid, plan.value[0])
    seen = result("planner")
    # The grid of states and the sampled pages are worth a percent.
    assert seen.mean == pytest.approx(value, abs=3.5 * seen.stderr + 0.01 * value)


def test_a_two_day_month_is_solved_exactly():
    params = RetentionParams(days=2)
    clicks, experience = planning.sample_pages(params, 500, 1)
    plan = planning.solve(params, bins=241, samples=500, seed=1)
    best = clicks.max()  # on the last day only clicks count
    np.testing.assert_allclose(plan.value[1], best)
    # On the first day: clicks now, and the last day's if he comes on the second.
    comes = return_chance(0.7 * 0.3 + 0.3 * experience, params).mean(axis=1)
    exact = (clicks + comes * best).max()
    assert np.interp(0.3, plan.grid, plan.value[0]) == pytest.approx(exact, rel=2e-3)


def test_retention_is_worth_more_than_the_click_of_today():
    planned, myopic = result("planner"), result("myopic")
    assert planned.mean > 1.15 * (myopic.mean + 3 * myopic.stderr)
    assert myopic.metrics["clicks_per_visit"] > planned.metrics["clicks_per_visit"]
    assert planned.metrics["visits"] > 1.5 * myopic.metrics["visits"]
    gain, error = result("planned").minus(result("myopic"))
    assert gain > 5 * error


def test_only_the_direction_of_the_weights_counts_and_intent_is_needed():
    task = RetentionTask()
    noise = Noise(
        np.random.default_rng(0).normal(size=(4, 20, 3)).astype(np.float32),
        np.full((4, 5), 0.5, np.float32),
        np.full(4, 0.5, np.float32),
        np.full(4, 0.5, np.float32),
    )
    state = task.initial_state(np.zeros(4, np.float32))
    weights = np.float32([[0.2, -0.1, 0.05]] * 4)
    one, other = task.step(state, weights, noise)[1], task.step(state, 4 * weights, noise)[1]
    np.testing.assert_array_equal(one.slate, other.slate)
    constant = sb3_ecom.evaluate(ID, lambda o: np.tile(np.float32([1.0, 0, 0]), (len(o), 1)), episodes=512)
    assert constant.score < 0.5


def test_no_other_direction_is_a_better_constant():
    def constant(angle):
        weights = np.float32(
            [np.sin(angle), 0.0, np.cos(angle)]
        )  # all first features are alike: see the intents
        return sb3_ecom.evaluate(ID, lambda o: np.tile(weights, (len(o), 1)), episodes=1024)

    best = constant(0.0)
    np.testing.assert_array_equal(sb3_ecom.spec(ID).best_constant, (0.0, 0.0, 1.0))
    for angle in np.pi / 8 * np.arange(1, 9):
        gain, error = constant(angle).minus(best)
        assert gain < 3 * error


def test_reward_terms_can_be_weighed():
    task = RetentionTask(reward_weights={"clicks": 0.5, "margin": 2.0, "visits": 1.0})
    assert task.reward_weights == {"clicks": 0.5, "margin": 2.0, "visits": 1.0}
    with pytest.raises(ValueError, match="unknown term 'joy'"):
        RetentionTask(reward_weights={"joy": 1.0})


@pytest.mark.parametrize(
    ("kwargs", "message"),
    [
        ({"days": 1}, r"days must be in \[2, 100000\], got 1"),
        ({"slate_size": 21}, r"slate_size must be in \[1, 20\] \(candidates\), got 21"),
        ({"memory": 1.5}, r"memory must be in \[0, 1\], got 1.5"),
        ({"bait": float("nan")}, "bait must be a finite number, got nan"),
        ({"nonsense": 1}, "unknown parameter of EcomRecRetain.*nonsense"),
    ],
)
def test_bad_parameters_are_named(kwargs, message):
    with pytest.raises(ValueError, match=message):
        RetentionTask(**kwargs)
