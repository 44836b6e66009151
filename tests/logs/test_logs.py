"""Logs: round trips, estimators against known truth, and the Open Bandit sample."""

import functools
import sys

import numpy as np
import pandas as pd
import pytest

import sb3_ecom
from sb3_ecom.envs.recommendation.context.env import ContextTask
from sb3_ecom.envs.recommendation.context.oracle import best_constant, page_value
from sb3_ecom.logs import (
    EpsilonGreedy,
    Log,
    UniformItems,
    doubly_robust,
    ips,
    read_table,
    record,
    snips,
    write_table,
)
from sb3_ecom.logs.estimators import item_rates

ID = "EcomRecContext-v0"
#: Ten times the real click rate, so that a test's log tells something.
LIVELY = {"random_ctr": 0.05}


def log_of(reward, propensity, item=None, impression=None):
    m = len(reward)
    return Log(
        impression=np.arange(m) if impression is None else impression,
        item=np.zeros(m, int) if item is None else item,
        position=np.zeros(m, int),
        propensity=np.asarray(propensity, float),
        reward=np.asarray(reward, float),
    )


@functools.cache
def uniform_log():
    return record(ID, UniformItems, episodes=256, seed=3, **LIVELY).table()


@functools.cache
def truth_and_target():
    """Value per item shown of the best page for everybody, and its chance of each logged item."""
    task, log = ContextTask(**LIVELY), uniform_log()
    page = best_constant(task)
    return page_value(task, page) / (task.horizon * 3), (log.item == page[log.position]).astype(float), page


def test_estimates_by_hand():
    log = log_of([1, 0, 2, 1], [0.5, 0.25, 0.5, 0.2])
    target = np.array([0.5, 0.5, 0.25, 0.0])  # weights 1, 2, .5, 0
    plain = ips(log, target)
    assert plain.value == pytest.approx((1 + 0 + 1 + 0) / 4)
    terms = np.array([1, 0, 1, 0]) - 0.5
    assert plain.stderr == pytest.approx(np.sqrt((terms**2).sum() * 4 / 3) / 4)
    assert plain.high - plain.low == pytest.approx(2 * 1.95996 * plain.stderr, rel=1e-5)
    assert plain.effective == pytest.approx(3.5**2 / 5.25)
    assert snips(log, target).value == pytest.approx(2 / 3.5)
    assert ips(log, target, clip=1.5).value == pytest.approx((1 + 0 + 1 + 0) / 4)
    predicted, expected = np.array([0.5, 0.5, 1, 1]), np.array([0.4, 0.6, 0.8, 1.0])
    value = np.mean(expected + np.array([1, 2, 0.5, 0]) * (np.array([1, 0, 2, 1]) - predicted))
    assert doubly_robust(log, target, predicted, expected).value == pytest.approx(value)


def test_rows_of_one_page_count_as_one_draw():
    reward, same = np.array([1.0, 1.0, 0.0, 0.0]), np.array([0, 0, 1, 1])
    apart = ips(log_of(reward, np.ones(4)), np.ones(4))
    together = ips(log_of(reward, np.ones(4), impression=same), np.ones(4))
    assert together.stderr == pytest.approx(np.sqrt(2 * (1.0**2) * 2 / 1) / 4)
    assert together.stderr > apart.stderr


def test_the_logging_policy_s_own_value_is_the_mean_reward():
    log = uniform_log()
    for estimate in (ips(log, log.propensity), snips(log, log.propensity)):
        assert estimate.value == pytest.approx(log.reward.mean())
        assert estimate.effective == pytest.approx(len(log))


def test_all_estimators_find_the_true_value_of_another_policy():
    log = uniform_log()
    truth, target, page = truth_and_target()
    rates = item_rates(log, 34)
    predicted = rates[np.arange(len(log)), log.item]
    expected = rates[np.arange(len(log)), page[log.position]]
    for estimate in (ips(log, target), snips(log, target), doubly_robust(log, target, predicted, expected)):
        assert abs(estimate.value - truth) < 3.5 * estimate.stderr
        assert estimate.stderr < 0.1 * truth
    assert doubly_robust(log, target, predicted, expected).stderr < ips(log, target).stderr


def test_intervals_cover_the_truth_as_often_as_they_say():
    log = uniform_log()
    truth, target, page = truth_and_target()
    rates = item_rates(log, 34)
    rows = np.arange(len(log))
    predicted, expected = rates[rows, log.item], rates[rows, page[log.position]]
    parts = np.array_split(rows, 64)
    covered = np.zeros(3)
    for part in parts:
        piece = Log(**{name: getattr(log, name)[part] for name in Log.__dataclass_fields__})
        estimates = (
            ips(piece, target[part], level=0.9),
            snips(piece, target[part], level=0.9),
            doubly_robust(piece, target[part], predicted[part], expected[part], level=0.9),
        )
        covered += [estimate.low <= truth <= estimate.high for estimate in estimates]
    assert (covered / 64 > 0.9 - 3.5 * np.sqrt(0.09 / 64)).all(), covered


def test_doubly_robust_survives_either_wrong_model():
    log = uniform_log()
    truth, target, page = truth_and_target()
    wild = np.full(len(log), 0.7)  # a foolish model of rewards
    estimate = doubly_robust(log, target, wild, wild)
    assert abs(estimate.value - truth) < 3.5 * estimate.stderr
    task = ContextTask(**LIVELY)
    exact = task.params.weights().ravel() @ task.params.rates().reshape(-1, 34)
    wrong = np.full(len(log), 0.5)  # foolish chances, right model
    bad = Log(**{**{name: getattr(log, name) for name in Log.__dataclass_fields__}, "propensity": wrong})
    saved = doubly_robust(bad, target, exact[log.item], exact[page[log.position]])
    assert abs(saved.value - truth) < 3.5 * saved.stderr
    assert abs(ips(bad, target).value - truth) > 10 * ips(bad, target).stderr


@pytest.mark.parametrize("suffix", [".csv", ".parquet"])
def test_tables_come_back_as_they_were_written(tmp_path, suffix):
    log = uniform_log()
    write_table(log, tmp_path / f"log{suffix}")
    back = read_table(tmp_path / f"log{suffix}")
    for name in Log.__dataclass_fields__:
        np.testing.assert_allclose(getattr(back, name), getattr(log, name))


def test_columns_are_found_named_and_missed(tmp_path):
    frame = pd.DataFrame(
        {"item_id": [3, 4], "position": [1, 2], "pscore": [0.5, 0.2], "click": [0, 1], "buy": [1, 1]}
    )
    frame.to_csv(tmp_path / "log.csv", index=False)
    log = read_table(tmp_path / "log.csv")
    np.testing.assert_array_equal(log.position, [0, 1])
    np.testing.assert_array_equal(log.reward, [0, 1])
    np.testing.assert_array_equal(read_table(tmp_path / "log.csv", reward="buy").reward, [1, 1])
    with pytest.raises(ValueError, match="must have a column chance, got item_id, position"):
        read_table(tmp_path / "log.csv", propensity="chance")
    with pytest.raises(ValueError, match=r"a log has the columns .*, got 'colour'"):
        read_table(tmp_path / "log.csv", colour="x")
    frame.assign(pscore=[0.5, 0.0]).to_csv(tmp_path / "bad.csv", index=False)
    with pytest.raises(ValueError, match=r"propensity must be in \(0, 1\], got 0.0 in row 1"):
        read_table(tmp_path / "bad.csv")
    with pytest.raises(ValueError, match=r"\.csv or \.parquet, got '\.txt'"):
        write_table(log, tmp_path / "log.txt")


def test_recorded_episodes_are_whole_and_replay():
    kept = record("EcomRecCold-v0", UniformItems, episodes=6, seed=4, horizon=20)
    assert (kept.length == 20).all()
    assert not kept.terminated.any()
    assert kept.observation.shape[:2] == (6, 21)
    task = sb3_ecom.spec("EcomRecCold-v0").make_task(horizon=20)
    loop = sb3_ecom.core.loop.StepLoop(task, 6)
    np.testing.assert_array_equal(loop.reset(4), kept.observation[:, 0])
    for step in range(20):
        result = loop.step(kept.action[:, step])
        np.testing.assert_array_equal(result.reward, kept.reward[:, step])
        shown = result.observation if step < 19 else result.final_observation
        np.testing.assert_array_equal(shown, kept.observation[:, step + 1])
    assert kept.table().reward.sum() == kept.reward.sum()


@pytest.mark.parametrize("env_id", ["EcomRecEvolution-v0", "EcomRecSlate-v0", "EcomRecBored-v0", ID])
def test_slots_share_the_clicks_of_a_page(env_id):
    weights = {"reward_weights": {"clicks": 1.0}}
    kept = record(env_id, UniformItems, episodes=8, seed=0, **weights)
    alive = np.arange(kept.reward.shape[1]) < kept.length[:, None]
    np.testing.assert_allclose(kept.slot_reward.sum(2)[alive], kept.reward[alive])
    assert kept.slot_reward[alive].sum() > 0
    assert kept.terminated.any() == (env_id in ("EcomRecEvolution-v0", "EcomRecSlate-v0"))


def test_an_epsilon_greedy_log_values_its_own_greedy_policy():
    entry = sb3_ecom.spec("EcomRecCold-v0")
    make = entry.baselines["features_only"]
    log = record(
        "EcomRecCold-v0", lambda task: EpsilonGreedy(task, make(task), 0.5), episodes=400, seed=1
    ).table()
    greedy = log.propensity > 0.5  # .5 / 20 + .5 where the wish was shown
    estimate = ips(log, greedy.astype(float))
    truth = sb3_ecom.evaluate("EcomRecCold-v0", "features_only", episodes=400, seed=2)
    # The best item of an episode is the episode's own: episodes, not impressions, are the independent draws.
    assert estimate.value == pytest.approx(truth.mean / 200, abs=4 * np.sqrt(2) * truth.stderr / 200)


def test_an_epsilon_greedy_page_is_shown_as_often_as_it_says():
    task = ContextTask()
    page = np.array([4, 7, 1])
    policy = EpsilonGreedy(task, lambda seen: np.broadcast_to(page, (len(seen), 3)), 0.4)
    shown, chance = policy(np.zeros((40_000, 1)))
    assert all(len(set(row)) == 3 for row in shown.tolist())
    np.testing.assert_allclose(np.where(shown == page, 0.6, 0) + 0.4 / 34, chance)
    assert (shown == page).mean() == pytest.approx(0.6 + 0.4 / 34, abs=4 * np.sqrt(0.25 / 40_000))
    other = (shown == 20).mean(0)
    np.testing.assert_allclose(other, 0.4 / 34, atol=4 * np.sqrt(0.012 / 40_000))


def test_what_is_no_catalogue_or_chance_is_refused():
    with pytest.raises(ValueError, match="needs Discrete"):
        record("EcomRec-v0", UniformItems, episodes=2)
    log = log_of([1.0], [0.5])
    with pytest.raises(ValueError, match=r"target must be in \[0, 1\], got 1.5"):
        ips(log, np.array([1.5]))
    with pytest.raises(ValueError, match="target must have shape"):
        snips(log, np.ones(2))
    with pytest.raises(ValueError, match="level must be one of"):
        ips(log, np.ones(1), level=0.8)
    with pytest.raises(ValueError, match="epsilon must be in"):
        EpsilonGreedy(ContextTask(slate_size=1), None, 0.0)


OPEN_BANDIT = {"men": (34, 0.0051, 0.0067), "women": (46, 0.0048, 0.0064)}


@pytest.mark.parametrize("group", OPEN_BANDIT)
def test_the_open_bandit_sample(shared, group):
    """From the random log to the Bernoulli TS policy, against the click rates of the full data."""
    items, random_ctr, bts_ctr = OPEN_BANDIT[group]
    folder = shared / "data" / "rec_obd_zozotown"
    log, other = (read_table(folder / f"{group}_{name}.parquet") for name in ("random", "bts"))
    np.testing.assert_allclose(log.propensity, 1 / items, rtol=1e-3)
    own = ips(log, log.propensity)
    assert own.low <= random_ctr <= own.high
    # What Bernoulli TS shows does not depend on the visitor: its chances are its shares by slot.
    shares = np.stack(
        [np.bincount(other.item[other.position == k], minlength=items) for k in range(3)]
    ).astype(float)
    shares /= shares.sum(axis=1, keepdims=True)
    target = shares[log.position, log.item]
    rates = item_rates(log, items)
    expected = (rates * shares[log.position]).sum(axis=1)
    predicted = rates[np.arange(len(log)), log.item]
    for estimate in (ips(log, target), snips(log, target), doubly_robust(log, target, predicted, expected)):
        assert estimate.low <= bts_ctr <= estimate.high
        assert 0 < estimate.effective < len(log)


def test_minari_keeps_episodes_and_propensities(tmp_path, monkeypatch):
    pytest.importorskip("minari", reason="optional: pip install minari h5py")
    pytest.importorskip("h5py")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MINARI_DATASETS_PATH", "datasets")  # Minari alone fails on a relative folder
    from sb3_ecom.logs.minari import to_minari

    kept = record("EcomRecEvolution-v0", UniformItems, episodes=3, seed=4)
    dataset = to_minari(kept, "ecom/evolution/uniform-v0", author="tests")
    assert dataset.total_episodes == 3
    for episode, data in enumerate(dataset.iterate_episodes()):
        length = kept.length[episode]
        np.testing.assert_array_equal(data.observations, kept.observation[episode, : length + 1])
        np.testing.assert_array_equal(data.actions, kept.action[episode, :length])
        np.testing.assert_allclose(data.infos["propensity"][1:], 0.1)
        assert data.terminations[-1]
    assert "minari" in sys.modules
