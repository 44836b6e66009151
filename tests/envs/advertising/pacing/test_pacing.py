"""A day of pacing: money, delays, controls, beliefs."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import sb3_ecom
from sb3_ecom.core.arrays import NumpyBackend
from sb3_ecom.core.evaluate import run_episodes
from sb3_ecom.core.loop import StepLoop
from sb3_ecom.envs.advertising.pacing.dynamics import log_quality
from sb3_ecom.envs.advertising.pacing.env import PacingTask
from sb3_ecom.envs.advertising.pacing.planning import unscale


def play(task, n=16, seed=0, actions=None):
    """Yield (state before, outcome, state after) of one day."""
    source = NumpyBackend(np.random.default_rng(seed))
    state = task.initial_state(task.draw_reset(source, n))
    draw = np.random.default_rng(seed + 1)
    for _ in range(task.horizon):
        action = draw.uniform(-1, 1, (n, 1)).astype(np.float32) if actions is None else actions(n)
        after, outcome = task.step(state, action, task.draw_step(source, n))
        yield state, outcome, after
        state = after


@settings(max_examples=25, deadline=None)
@given(
    seed=st.integers(0, 10**6),
    auction=st.sampled_from(["second", "first"]),
    low=st.sampled_from([0.0, 0.001, 0.2, 5.0]),
    control=st.sampled_from(["incremental", "absolute"]),
)
def test_spend_never_exceeds_the_budget_and_payments_add_up(seed, auction, low, control):
    # A budget of 1e-12 of the day's cost is 0 micros; one of 5 is never spent.
    task = PacingTask(auction=auction, control=control, budget_low=low, budget_high=max(low, 1e-12), ticks=6)
    total = 0
    for before, outcome, after in play(task, 4, seed):
        paid = before.tracked.left - after.tracked.left
        total = total + paid
        np.testing.assert_allclose(outcome.spend, paid * task.params.price_median / 1e6, rtol=1e-5, atol=1e-6)
        assert np.all(after.tracked.left >= 0)
        assert np.all((outcome.wins > 0) | ((paid == 0) & (outcome.value == 0)))
        assert np.all(outcome.wins <= outcome.auctions)
    np.testing.assert_array_equal(total + after.tracked.left, before.tracked.budget)


def test_auctions_and_noise_do_not_depend_on_bids():
    low, high = (
        [o.auctions for _, o, _ in play(PacingTask(), actions=lambda n, x=x: np.full((n, 1), x, np.float32))]
        for x in (-1, 1)
    )
    np.testing.assert_array_equal(low, high)


def test_delayed_conversions_arrive_later_and_all_arrive():
    def arrivals(delay):
        days = list(play(PacingTask(delay=delay), 256, seed=3))
        return np.array([o.conversions for _, o, _ in days]), np.array([o.expected for _, o, _ in days])

    now, expected = arrivals(0.0)
    late, same = arrivals(6.0)
    np.testing.assert_array_equal(expected, same)
    assert late[:24].sum() < 0.95 * now[:24].sum()
    assert late.sum() == pytest.approx(expected.sum(), abs=float(4 * np.sqrt(expected.sum())))


def test_conversions_have_the_expected_mean_and_poisson_variance():
    days = [(o.conversions, o.expected) for _, o, _ in play(PacingTask(), 512, seed=4)]
    counts, means = (np.array(part, dtype=np.float64) for part in zip(*days, strict=True))
    score = (counts - means) / np.sqrt(np.maximum(means, 1e-3))
    keep = means > 1
    assert abs(score[keep].mean()) < 4 / np.sqrt(keep.sum())
    assert score[keep].var() == pytest.approx(1.0, abs=0.04)


def test_a_new_campaign_is_off_by_a_level_and_buys_at_its_own_hours():
    """Log quality is a level and a sine of three waves a day, shifted; the level's exponential has mean 1."""
    task = PacingTask("newcampaign", quality_regime=0.0, quality_swing=0.6)
    noise = task.draw_reset(NumpyBackend(np.random.default_rng(6)), 20_000)
    state = task.start(noise)[0]
    late = (noise.peak - 0.5) * task.params.peak_spread
    for tick in (0, 17, 47):
        found = log_quality(state._replace(tick=state.tick + tick), task.params, task.tables.hidden)
        wave = 0.6 * np.sin(2 * np.pi * (3 * (tick + 0.5) / 48 - late))
        np.testing.assert_allclose(found - state.campaign[:, 0], wave, atol=1e-5)
    level = np.exp(state.campaign[:, 0].astype(np.float64))
    assert level.mean() == pytest.approx(1.0, abs=4 * level.std() / np.sqrt(level.size))
    assert np.log(level).std() == pytest.approx(0.7, rel=0.03)


def test_incremental_action_moves_the_multiplier_and_absolute_sets_it():
    move, sets = PacingTask(), PacingTask(control="absolute")
    ones = lambda n: np.ones((n, 1), np.float32)  # noqa: E731
    before, _, after = next(play(move, actions=ones))
    np.testing.assert_allclose(
        after.tracked.log_multiplier, np.clip(before.tracked.log_multiplier + 0.5, -3, 3), rtol=1e-6
    )
    assert np.all(next(play(sets, actions=ones))[2].tracked.log_multiplier == 3.0)


def test_a_bidder_can_read_its_observation():
    task = PacingTask()
    for _, outcome, state in play(task, 8):
        seen = unscale(task, task.observe(state))
        np.testing.assert_array_equal(seen.tick, state.tracked.tick)
        np.testing.assert_allclose(seen.budget, state.tracked.budget, rtol=1e-4)
        np.testing.assert_allclose(seen.conversions, outcome.conversions, rtol=1e-3, atol=1e-3)
        np.testing.assert_allclose(seen.win_rate, outcome.wins / outcome.auctions, rtol=1e-4)


def test_ladder_of_bidders():
    """Constant < PID < dual pacing < model-predictive < with feedback < informed, paired."""
    task, n = PacingTask(), 256
    entry = sb3_ecom.spec("EcomAds-v0")
    names = ("constant", "pid", "dual_pacing", "model_predictive", "model_predictive_feedback")
    returns = [run_episodes(StepLoop(task, n), entry.baselines[name](task), 21)["expected"] for name in names]
    loop = StepLoop(task, n)
    returns.append(run_episodes(loop, entry.privileged["oracle_policy"](loop), 21)["expected"])
    for worse, better in itertools.pairwise(returns):
        gap = better - worse
        assert gap.mean() > 3 * gap.std() / np.sqrt(n)


@pytest.mark.parametrize("preset", sb3_ecom.spec("EcomAds-v0").presets)
def test_every_preset_runs(preset):
    for _, outcome, _ in play(PacingTask(preset), 4):
        assert np.isfinite(outcome.conversions).all()


@pytest.mark.parametrize(
    ("kwargs", "message"),
    [
        ({"ticks": 1}, r"ticks must be in \[2, 1440\] a day, got 1"),
        ({"price_median": -1.0}, r"price_median must be in \[1e-06, 1000000\], got -1.0"),
        ({"price_day_sd": float("nan")}, "price_day_sd must be a finite number, got nan"),
        ({"peak_spread": 1.5}, r"peak_spread must be in \[0, 1\] of a wave, got 1.5"),
        ({"quality_peaks": 0}, r"quality_peaks must be in \[1, 24\] a day, got 0"),
        ({"quality_day_sd": -0.1}, r"quality_day_sd must be in \[0, 3\], got -0.1"),
        ({"switch": 0.9}, r"switch must be in \[0, 0.5\].*got 0.9"),
        ({"value_correlation": 1.0}, r"value_correlation must be in \(-1, 1\), got 1"),
        ({"auctions_per_tick": 3}, r"auctions_per_tick must be in \[100, 20000\], got 3"),
        ({"budget_low": 0.6}, r"budget_low must be <= 0.4 \(budget_high\), got 0.6"),
        ({"budget_low": 0.0, "budget_high": 0.0}, r"budget_high must be in \(0, 1000\], got 0.0"),
        ({"budget_low": -0.1}, r"budget_low must be >= 0, got -0.1"),
        (
            {"traffic_profile": (1.0,) * 23},
            r"len\(traffic_profile\) must be a whole number in \[24, 24\] levels, got 23",
        ),
        ({"auction": "third"}, "auction must be one of second, first, got 'third'"),
        ({"control": "psychic"}, "control must be one of incremental, absolute, got 'psychic'"),
        ({"preset": "moon"}, r"preset must be one of .*exchange3.*got 'moon'"),
        ({"nonsense": 1}, r"unknown parameter of EcomAds.*nonsense"),
        ({"reward_weights": {"joy": 1}}, r"unknown term 'joy'"),
    ],
)
def test_bad_parameters_are_named(kwargs, message):
    with pytest.raises(ValueError, match=message):
        PacingTask(**kwargs)
