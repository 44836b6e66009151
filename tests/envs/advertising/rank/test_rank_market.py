"""Ranking: a day of the market by hand, users and advertisers respond, the plan against simulation."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage

from sb3_ecom.core.arrays import NumpyBackend, tree_map, tree_take
from sb3_ecom.core.evaluate import random_policy, run_episodes
from sb3_ecom.core.loop import StepLoop
from sb3_ecom.envs.advertising.rank import baselines, oracle, planning
from sb3_ecom.envs.advertising.rank.auction import run_auction
from sb3_ecom.envs.advertising.rank.env import RankTask


def one_day(task, n=64, seed=0, action=(0.0, 0.0)):
    source = NumpyBackend(np.random.default_rng(seed))
    state = task.initial_state(task.draw_reset(source, n))
    noise = task.draw_step(source, n)
    return state, noise, *task.step(state, np.tile(np.array([action], np.float32), (n, 1)), noise)


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 10**6), st.sampled_from(["gsp", "vcg"]), st.floats(-1, 1), st.floats(-1, 1))
def test_a_day_conserves_money_and_shares(seed, pricing, reserve, exponent):
    _, _, after, outcome = one_day(RankTask(pricing=pricing), 8, seed, (reserve, exponent))
    assert np.all(outcome.revenue <= outcome.welfare * (1 + 1e-5) + 1e-6)
    assert np.all((outcome.clicks > 0) | ((outcome.revenue == 0) & (outcome.welfare == 0)))
    assert np.all(outcome.revenue >= outcome.clicks * outcome.reserve * (1 - 1e-5))
    assert np.all(outcome.clicks <= outcome.shown)
    assert np.all(outcome.shown <= 3 * outcome.pages)
    assert np.all((outcome.surplus >= 0) & (outcome.surplus <= 1 + 1e-5))
    for share in (after.hidden.active, after.hidden.present, after.hidden.experience):
        assert np.all((share >= 0) & (share <= 1))


def test_a_day_equals_its_pages_one_by_one():
    task = RankTask()
    state, noise, _, outcome = one_day(task, 3, 4, (-0.5, 0.2))
    p, g = task.params, 1.2 * 0.75
    for row in range(3):
        revenue = clicks = 0.0
        for page in range(p.visitors):
            if not noise.visits[row, page] < state.hidden.active[row]:
                continue
            z = noise.ads[:, row, page].astype(np.float64)
            score = p.value_correlation * z[0] + np.sqrt(1 - p.value_correlation**2) * z[1]
            value = np.exp(float(state.hidden.level[row]) + p.value_sd * score)
            rate = p.click_rate * np.exp(p.click_sd * z[0])
            true = rate * np.exp(p.prediction_sd * z[2] - p.prediction_sd**2 / 2)
            slots = run_auction(
                value,
                rate**g,
                noise.present[row, page] < state.hidden.present[row],
                np.asarray(np.exp(-0.5 * 2.5)),
                p.exposure,
                np.asarray(float(state.hidden.experience[row])),
                False,
            )
            for slot in range(p.slots):
                chance = p.exposure[slot] * min(true[slots.ad[slot]], 1.0)
                if slots.filled[slot] and noise.clicks[row, page, slot] < chance:
                    clicks, revenue = clicks + 1, revenue + slots.price[slot]
        assert outcome.clicks[row] == clicks
        assert outcome.revenue[row] == pytest.approx(revenue, rel=1e-4)


def test_bad_ads_drive_users_away_and_high_reserves_advertisers():
    task = RankTask()
    by_bid, by_clicks = (one_day(task, 256, 1, (-1.0, g))[3] for g in (-1.0, 1.0))
    assert by_bid.relevance.mean() < by_clicks.relevance.mean()
    assert by_bid.active.mean() < by_clicks.active.mean()
    low, high = (one_day(task, 256, 1, (r, 0.0))[3] for r in (-1.0, 0.3))
    assert high.present.mean() < low.present.mean()
    assert high.coverage.mean() < low.coverage.mean()


def test_plan_predicts_what_the_informed_platform_earns():
    """The fluid model's value of the first day against simulation: many runs from each of some first days.

    One run says little about its first day: 80% of the variance between runs is luck, so the value of a
    perfect model correlates at .45 with them. The mean over runs from one first day says much, and the luck
    left in it is known from the spread of those runs.
    """
    task, starts, runs = RankTask(), 40, 24
    loop = StepLoop(task, starts * runs)
    loop.reset(7)
    loop.state = tree_map(lambda leaf: np.repeat(leaf[:starts], runs, axis=0), loop.state)
    first = tree_take(loop.state.hidden, np.arange(starts) * runs)
    policy, observation = oracle.oracle_policy(loop), task.observe(loop.state)
    for _ in range(task.horizon):
        result = loop.step(policy(observation))
        observation = result.observation
    earned = result.totals["expected"].reshape(starts, runs).astype(np.float64)
    plan = planning.solve(task.params)
    grids = (planning.ACTIVE, planning.PRESENT, planning.EXPERIENCE, plan.levels)
    state = (first.active, first.present, first.experience, first.level)
    places = [np.interp(x, grid, np.arange(grid.size)) for x, grid in zip(state, grids, strict=True)]
    value = ndimage.map_coordinates(plan.value, [*places, (first.touchy > 0) * 1.0], order=1, mode="nearest")
    mean, luck = earned.mean(axis=1), earned.var(axis=1, ddof=1).mean() / runs
    truth = mean.var(ddof=1) - luck  # variance of the expected earnings between first days
    assert 0.1 < truth / (truth + luck * runs) < 0.35
    covariance = np.cov(mean, value)[0, 1]
    # Freed of luck, the correlation is that of the model with the truth; three standard errors are .1.
    assert covariance / np.sqrt(truth * value.var(ddof=1)) > 0.9
    assert covariance / value.var(ddof=1) == pytest.approx(1.0, abs=0.2)
    # The model moves by expectations, on a grid, and picks the best of cells it simulated: some percent.
    assert mean.mean() == pytest.approx(value.mean(), rel=0.1)


def test_belief_finds_the_hidden_level_and_touchiness():
    task, n = RankTask(), 128
    loop, belief = StepLoop(task, n), baselines.Belief(task)
    policy, observation = baselines.constant(task), loop.reset(2)
    for _ in range(20):
        observation = loop.step(policy(observation)).observation
        belief.update(baselines.unscale(task, observation))
    error = belief.level - loop.state.hidden.level
    spread = task.params.level_sd * np.sqrt(1 - task.params.level_ar**2)
    assert error.std() < 1.3 * spread
    assert abs(error.mean()) < 0.1
    right = (belief.touchy > 0.5) == (loop.state.hidden.touchy > 0)
    assert right.mean() > 0.8


def test_ladder():
    """Random < Myerson < constant < tracking < planned <= informed, paired."""
    task, n = RankTask(), 256
    loop = StepLoop(task, n)
    policies = [
        random_policy(task, n, 0),
        baselines.myerson(task),
        baselines.constant(task),
        baselines.tracking(task),
        baselines.planned(task),
    ]
    returns = [run_episodes(StepLoop(task, n), policy, 21)["expected"] for policy in policies]
    returns.append(run_episodes(loop, oracle.oracle_policy(loop), 21)["expected"])
    for worse, better in itertools.pairwise(returns):
        gap = better - worse
        assert gap.mean() > 1.5 * gap.std() / np.sqrt(n)


@pytest.mark.parametrize(
    ("kwargs", "message"),
    [
        ({"pricing": "third"}, "pricing must be one of gsp, vcg, got 'third'"),
        ({"days": 1}, r"days must be in \[2, 100000\], got 1"),
        ({"visitors": 0}, r"visitors must be in \[1, 10000\], got 0"),
        ({"ads": 3}, r"ads must be > 3 \(slots of exposure\), got 3"),
        ({"exposure": ()}, r"len\(exposure\) must be a whole number in \[1, 20\] slots, got 0"),
        ({"exposure": (0.5, 0.7)}, "exposure must not rise"),
        ({"leave": 1.5}, r"leave must be in \[0, 1\], got 1.5"),
        ({"level_ar": 1.0}, r"level_ar must be in \(-1, 1\), got 1"),
        ({"click_rate": 0.0}, r"click_rate must be in \[1e-06, 1\], got 0.0"),
        ({"annoyance": float("nan")}, "annoyance must be a finite number, got nan"),
        ({"preset": "moon"}, "preset must be one of market, static, got 'moon'"),
        ({"nonsense": 1}, "unknown parameter of EcomAdsRank.*nonsense"),
        ({"reward_weights": {"joy": 1}}, "unknown term 'joy'"),
    ],
)
def test_bad_parameters_are_named(kwargs, message):
    with pytest.raises(ValueError, match=message):
        RankTask(**kwargs)
