"""Each rule's arithmetic, and the errors of its parameters."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from sb3_ecom.wrappers import (
    Constrained,
    Delayed,
    Diverse,
    Novel,
    PotentialShaped,
    Privatised,
    RiskAdjusted,
    Step,
    Vectorised,
    Weighted,
    delayed,
    geometric_delay,
    intra_list_distance,
    mean_self_information,
    newly_covered,
    weighted_sum,
)
from tests.wrappers.shop import page_potential


def run(rule, rewards, dones, terms=None, seed=0):
    """Return the (T, n) rewards of a rule over (T, n) rewards and dones, with restarts."""
    n = rewards.shape[1]
    blank, observation = np.zeros(n), np.zeros((n, 2))
    state, generator, paid = rule.start(observation, blank), np.random.default_rng(seed), []
    for t, (reward, done) in enumerate(zip(rewards, dones, strict=True)):
        now = {name: term[t] for name, term in (terms or {}).items()}
        step = Step(reward, now, {}, observation, done, np.zeros(n, dtype=bool))
        state, after = rule.apply(state, step, rule.draw(generator, n))
        state = rule.restart(state, done, observation, blank)
        paid.append(after.reward)
    return np.stack(paid)


def episodes(seed=0, steps=400, n=3, chance=0.1):
    rng = np.random.default_rng(seed)
    dones = rng.random((steps, n)) < chance
    dones[-1] = True
    return rng.normal(size=(steps, n)), dones


def episode_sums(rewards, dones):
    """Return the sums over all episodes, copy after copy."""
    sums = []
    for row in range(rewards.shape[1]):
        total = np.cumsum(rewards[:, row])[np.flatnonzero(dones[:, row])]
        sums.extend(np.diff(total, prepend=0.0))
    return np.array(sums)


def test_the_weighted_sum_by_hand():
    terms = {"clicks": np.array([1.0, 0.0]), "spend": np.array([-2.0, -4.0]), "other": np.array([9.0, 9.0])}
    np.testing.assert_array_equal(weighted_sum(terms, {"clicks": 3.0, "spend": 0.5}), [2.0, -2.0])


@settings(max_examples=40, deadline=None)
@given(
    seed=st.integers(0, 10**6),
    rule=st.sampled_from(
        [
            Delayed(steps=0),
            Delayed(steps=3),
            Delayed(steps=50),
            Delayed(until_end=True),
            Delayed(geometric=4.0),
        ]
    ),
)
def test_a_delay_loses_nothing_and_pays_within_the_episode(seed, rule):
    rewards, dones = episodes(seed, steps=60)
    paid = run(rule, rewards, dones, seed=seed)
    np.testing.assert_allclose(episode_sums(paid, dones), episode_sums(rewards, dones), atol=1e-12)


def test_a_delay_of_two_steps_pays_two_steps_later():
    rewards = np.array([[1.0], [10.0], [100.0], [1000.0]])
    dones = np.array([[False], [False], [False], [True]])
    np.testing.assert_array_equal(run(Delayed(steps=2), rewards, dones)[:, 0], [0, 0, 1, 1110])
    np.testing.assert_array_equal(run(Delayed(steps=0), rewards, dones), rewards)
    np.testing.assert_array_equal(run(Delayed(until_end=True), rewards, dones)[:, 0], [0, 0, 0, 1111])


def test_an_ended_copy_owes_nothing_and_the_others_still_do():
    due, paid = delayed(np.array([[1.0, 2.0], [1.0, 2.0]]), np.zeros(2), np.zeros(2), np.array([True, False]))
    np.testing.assert_array_equal(paid, [3.0, 1.0])
    np.testing.assert_array_equal(due, [[0.0, 0.0], [2.0, 0.0]])


def test_geometric_delays_have_the_mean_they_claim():
    delays = geometric_delay(np.random.default_rng(0).random(200_000), 4.0)
    assert delays.min() == 0
    assert abs(delays.mean() - 4.0) < 3 * delays.std() / np.sqrt(delays.size)


def test_the_penalty_charges_only_what_exceeds_the_limit():
    rewards, dones = np.array([[1.0, 1.0]]), np.array([[False, True]])
    terms = {"spend": np.array([[4.0, 2.0]]), "sales": np.array([[1.0, 2.0]])}
    per_step = Constrained("spend", limit=3.0, multiplier=2.0, per="step")
    np.testing.assert_array_equal(run(per_step, rewards, dones, terms), [[1 - 2 * 1, 1 + 2 * 1]])
    ratio = Constrained("spend", limit=3.0, multiplier=2.0, per="sales")
    np.testing.assert_array_equal(run(ratio, rewards, dones, terms), [[1 - 2 * 1, 1 + 2 * 4]])
    lower = Constrained("spend", limit=3.0, multiplier=2.0, per="step", at_least=True)
    np.testing.assert_array_equal(run(lower, rewards, dones, terms), [[1 + 2 * 1, 1 - 2 * 1]])


def test_the_reported_use_is_that_of_whole_episodes():
    rule = Constrained("spend", limit=3.0)
    blank = np.zeros(1)
    state = rule.start(blank, blank)
    seen = []
    for done in [False, False, True, True]:
        step = Step(blank, {"spend": blank + 2.0}, {}, blank, np.array([done]), np.array([False]))
        state, after = rule.apply(state, step, None)
        state = rule.restart(state, step.done, blank, blank)
        seen.append(after.step_info["constraint:spend"][0].tolist())
    assert seen == [[0, 0], [0, 0], [6, 1], [2, 1]]


def test_mean_variance_sums_to_the_mean_less_the_priced_variance():
    rewards, dones = episodes(steps=20_000)
    profits = episode_sums(rewards, dones)
    paid = run(RiskAdjusted("mean_variance", aversion=0.3, target=profits.mean()), rewards, dones)
    at_zero = -0.3 * profits.mean() ** 2
    value = episode_sums(paid, dones).mean() + at_zero
    assert value == pytest.approx(profits.mean() - 0.3 * profits.var(), rel=1e-9)


def test_cvar_sums_to_the_mean_of_the_worst_tail():
    rewards, dones = episodes(steps=20_000)
    profits = np.sort(episode_sums(rewards, dones))
    target = np.quantile(profits, 0.1)
    paid = run(RiskAdjusted("cvar", tail=0.1, target=target), rewards, dones)
    at_zero = target - max(target, 0.0) / 0.1
    value = episode_sums(paid, dones).mean() + at_zero
    worst = profits[: round(0.1 * profits.size)].mean()
    assert value == pytest.approx(worst, rel=2e-3)  # 0.1 of the episodes is no whole number of them


def test_any_other_target_gives_less_cvar():
    profits = np.random.default_rng(0).normal(size=10_000)
    rule = RiskAdjusted("cvar", tail=0.2)
    best = rule.utility(profits, np.full(profits.size, np.quantile(profits, 0.2))).mean()
    for other in (-2.0, -0.5, 0.0, 1.0):
        assert rule.utility(profits, np.full(profits.size, other)).mean() < best


def test_the_adaptive_target_waits_for_twenty_episodes_and_then_follows():
    rewards = np.full((60, 1), 2.0)
    paid = run(RiskAdjusted("mean_variance", aversion=1.0, window=20), rewards, np.ones((60, 1), dtype=bool))
    np.testing.assert_array_equal(paid[:20], 2.0)  # unshaped
    np.testing.assert_allclose(paid[20:], 2.0 - 0.0 + 4.0)  # u(2) - u(0) around the target 2


def test_intra_list_distance_by_hand():
    features = np.array([[1.0, 0.0], [0.0, 1.0], [-1.0, 0.0]])
    slates = np.array([[0, 0, 0], [0, 1, 2], [0, 2, -1], [1, -1, -1]])
    # Pairs of [0, 1, 2]: distances 1, 2 and 1.
    np.testing.assert_allclose(intra_list_distance(slates, features), [0.0, 4 / 3, 2.0, 0.0], atol=1e-12)


def test_self_information_by_hand():
    bits = -np.log2(np.array([0.5, 0.25, 0.25]))
    slates = np.array([[0, 1], [0, -1], [-1, -1]])
    np.testing.assert_allclose(mean_self_information(slates, bits), [1.5, 1.0, 0.0])


def test_coverage_counts_an_item_once():
    seen = np.zeros((2, 4), dtype=bool)
    gained, after = newly_covered(np.array([[0, 0, 3], [1, -1, -1]]), seen)
    np.testing.assert_allclose(gained, [0.5, 0.25])
    assert not seen.any()  # arguments stay as they are
    gained, _ = newly_covered(np.array([[0, 1, 3], [1, -1, -1]]), after)
    np.testing.assert_allclose(gained, [0.25, 0.0])


def test_numpy_and_torch_agree():
    rng = np.random.default_rng(0)
    due, reward, done = rng.normal(size=(5, 4)), rng.normal(size=5), rng.random(5) < 0.5
    delay, slate, features = rng.integers(0, 4, 5), rng.integers(-1, 6, (5, 3)), rng.normal(size=(6, 2))
    tensors = [torch.as_tensor(value) for value in (due, reward, delay, done)]
    for one, two in zip(delayed(due, reward, delay, done), delayed(*tensors), strict=True):
        np.testing.assert_allclose(one, two.numpy())
    pair = (slate, features), (torch.as_tensor(slate), torch.as_tensor(features))
    np.testing.assert_allclose(intra_list_distance(*pair[0]), intra_list_distance(*pair[1]).numpy())
    seen = rng.random((5, 6)) < 0.5
    one, two = newly_covered(slate, seen), newly_covered(torch.as_tensor(slate), torch.as_tensor(seen))
    np.testing.assert_allclose(one[0], two[0].numpy())
    for rule in (RiskAdjusted("cvar", target=0.3), RiskAdjusted(target=0.3)):
        profits, target = due[:, 0], np.full(5, 0.3)
        other = rule.utility(torch.as_tensor(profits), torch.as_tensor(target))
        np.testing.assert_allclose(rule.utility(profits, target), other.numpy())


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Weighted({}), r"weights must map at least one term .* got \{\}"),
        (
            lambda: Weighted({"clicks": float("nan")}),
            r"weights\['clicks'\] must be .*, got nan",
        ),
        (lambda: Delayed(), "exactly one of steps, until_end and geometric"),
        (lambda: Delayed(steps=1, until_end=True), "exactly one of steps, until_end and geometric"),
        (lambda: Delayed(steps=-1), r"steps must be a whole number in \[0, 100000\] steps, got -1"),
        (lambda: Delayed(steps=1.5), r"steps must be a whole number in \[0, 100000\] steps, got 1\.5"),
        (lambda: Delayed(geometric=0.0), r"geometric must be in \[1e-06, 5000\] steps, got 0\.0"),
        (lambda: Constrained("spend", limit=float("inf")), "limit must be a finite number .*, got inf"),
        (
            lambda: Constrained("spend", 1.0, multiplier=-1),
            r"multiplier must be in \[0, 1.*\], got -1",
        ),
        (lambda: RiskAdjusted("entropic"), "risk must be one of mean_variance, cvar, got 'entropic'"),
        (lambda: RiskAdjusted(aversion=-0.1), r"aversion must be in \[0, 1000000000\], got -0\.1"),
        (lambda: RiskAdjusted("cvar", tail=0.0), r"tail must be in \[1e-06, 1\], got 0\.0"),
        (lambda: RiskAdjusted("cvar", weight=1.5), r"weight must be in \[0, 1\], got 1\.5"),
        (
            lambda: RiskAdjusted(window=5),
            r"window must be a whole number in \[20, .*, got 5",
        ),
        (lambda: RiskAdjusted(target=float("nan")), "target must be a finite number .*, got nan"),
        (lambda: PotentialShaped(page_potential, gamma=1.1), r"gamma must be in \[1e-06, 1\], got 1\.1"),
        (
            lambda: PotentialShaped("tests.wrappers.nowhere.phi"),
            "got 'tests.wrappers.nowhere.phi', which cannot be imported",
        ),
        (lambda: PotentialShaped(3), "potential must be a function or its dotted path, got 3"),
        (lambda: Diverse(weight="much"), "weight must be a finite number .*, got 'much'"),
        (lambda: Novel(kind="surprise"), "kind must be one of popularity, coverage, got 'surprise'"),
        (lambda: Vectorised(terms=[]), r"terms must be a list of at least one name, got \[\]"),
        (lambda: Vectorised(terms="clicks"), "terms must be a list of at least one name, got 'clicks'"),
        (lambda: Privatised(epsilon=0.0), r"epsilon must be in \[1e-06, 700\], got 0\.0"),
        (
            lambda: Privatised(epsilon=float("inf")),
            r"epsilon must be .* in \[1e-06, 700\], got inf",
        ),
    ],
)
def test_a_bad_parameter_is_named_with_its_bound_and_value(make, message):
    with pytest.raises(ValueError, match=message):
        make()


def test_a_potential_of_the_wrong_shape_is_refused():
    rule = PotentialShaped(lambda observation: observation, 0.9)
    with pytest.raises(ValueError, match=r"potential must return shape \(3,\)"):
        rule.start(np.zeros((3, 2)), np.zeros(3))
