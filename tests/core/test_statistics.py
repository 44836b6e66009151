"""Intervals over seeds and visitors: against hand computation, simulation and rliable."""

import numpy as np
import pytest

from sb3_ecom.core.statistics import (
    difference,
    estimate_mean,
    interquartile_mean,
    performance_profile,
    ratio,
    resample_means,
    suite_interval,
)


def test_one_row_gives_the_textbook_interval():
    found = estimate_mean([1.0, 2.0, 3.0])
    assert found[:2] == pytest.approx((2.0, (1 / 3) ** 0.5))
    assert found.high - found.mean == pytest.approx(4.302653 * (1 / 3) ** 0.5, rel=1e-6)  # t, 2 degrees


def test_one_episode_is_refused():
    with pytest.raises(ValueError, match="episodes, got 1"):
        estimate_mean([[1.0], [2.0]])


def test_a_small_table_agrees_with_hand_computation():
    # Means of rows 2, 6; of columns 3, 5; MS: seeds 16, episodes 4, residual 1.
    table = [[1.5, 2.5], [4.5, 7.5]]
    assert estimate_mean(table).stderr == pytest.approx(((16 + 4 - 1) / 4) ** 0.5)


def test_alike_seeds_leave_the_interval_of_the_episodes():
    row = np.random.default_rng(0).standard_normal(100)
    assert estimate_mean([row] * 3)[:2] == pytest.approx(estimate_mean(row)[:2])


def test_intervals_hold_the_mean_95_times_in_100():
    """The old scripts' spread of seeds alone, or of visitors alone, would fail here."""
    source, held, tries = np.random.default_rng(1), 0, 600
    for _ in range(tries):
        seeds, visitors = source.standard_normal((5, 1)), source.standard_normal((1, 40)) * 3
        found = estimate_mean(seeds + visitors + source.standard_normal((5, 40)))
        held += found.low <= 0.0 <= found.high
    assert abs(held / tries - 0.95) < 4 * (0.95 * 0.05 / tries) ** 0.5


def test_pairing_takes_out_the_visitors():
    source = np.random.default_rng(2)
    visitors = source.standard_normal(2000) * 10
    learner = visitors + 0.5 + source.standard_normal((5, 2000)) * 0.1
    found = difference(learner, visitors)
    assert found.mean == pytest.approx(0.5, abs=4 * found.stderr)
    assert found.stderr < 0.01


def test_two_learners_seeds_both_count():
    source = np.random.default_rng(3)
    left, right = (source.standard_normal((4, 1)) + np.zeros((4, 500)) for _ in range(2))
    expected = (left[:, 0].var(ddof=1) / 4 + right[:, 0].var(ddof=1) / 4) ** 0.5
    assert difference(left, right).stderr == pytest.approx(expected)


def test_differences_need_the_same_episodes():
    with pytest.raises(ValueError, match="must hold the 3 episodes"):
        difference([1.0, 2.0, 3.0], [1.0, 2.0])


def test_a_ratio_of_proportional_returns_is_exact():
    others = np.random.default_rng(4).uniform(1, 2, 50)
    assert ratio(1.5 * others, others)[:2] == pytest.approx((1.5, 0.0), abs=1e-12)


def test_interquartile_mean_and_profile_agree_with_rliable():
    library = pytest.importorskip("rliable.library")
    metrics = pytest.importorskip("rliable.metrics")
    scores = np.random.default_rng(5).uniform(-0.2, 1.1, (5, 8))  # seeds, ids
    assert interquartile_mean(scores) == pytest.approx(metrics.aggregate_iqm(scores))
    levels = np.linspace(0, 1, 11)
    theirs = [library.run_score_deviation(scores, level) for level in levels]
    assert performance_profile(list(scores.T), levels) == pytest.approx(theirs)


def test_a_resampled_mean_spreads_as_seeds_and_episodes_do():
    source = np.random.default_rng(6)
    table = source.standard_normal((6, 1)) * 2 + source.standard_normal((1, 80))
    spread = resample_means(table, 4000, source).mean(axis=1).std()
    rows, columns = table.mean(axis=1).var() / 6, table.mean(axis=0).var() / 80
    assert spread == pytest.approx((rows + columns) ** 0.5, rel=0.05)


def test_the_suite_s_interval_holds_its_value():
    source = np.random.default_rng(7)
    scores = [source.normal(level, 0.3, (5, 200)) for level in (0.2, 0.5, 0.8)]
    value, low, high = suite_interval(scores, draws=300)
    assert low < value < high
    assert high - low < 0.2
