"""Models of logged clicks: similarities by hand, planted groups, a shop served better than by popularity."""

import functools

import numpy as np
import pytest

import sb3_ecom
from sb3_ecom.envs.recommendation.session.baselines import related_items
from sb3_ecom.envs.recommendation.session.item_similarity import from_clicks
from sb3_ecom.logs import EpsilonGreedy, ItemKnn, Log, PureSvd, UniformItems, record, record_table
from sb3_ecom.logs.recommenders import clicked_together, reward_rate

ID = "EcomRecSlate-v0"


def sessions_of(baskets, *extra):
    """Return the log of sessions that clicked these items; `extra` rows are (session, item, reward)."""
    rows = [(visit, item, 1.0) for visit, basket in enumerate(baskets) for item in basket] + list(extra)
    session, item, reward = (np.array(column) for column in zip(*rows, strict=True))
    m = len(rows)
    return Log(
        session=session,
        impression=np.arange(m),
        item=item,
        position=np.zeros(m, int),
        propensity=np.full(m, 0.1),
        reward=reward,
    )


def test_similarities_by_hand():
    log = sessions_of([(0, 1), (0, 1, 1), (0, 2), (3,)], (1, 3, 0.0))
    # Three sessions with two items; the single click on 3 and the row without a click are no company.
    assert clicked_together(log, 5).toarray().tolist() == [[1, 1, 0, 0, 0]] * 2 + [[1, 0, 1, 0, 0]]
    model = ItemKnn(log, 5, shrink=0.5)
    found = model.scores(np.array([[-1, 0], [1, 0]]), np.array([[0.0, 1.0], [0.5, 1.0]]))
    near = {1: 2 / (np.sqrt(6) + 0.5), 2: 1 / (np.sqrt(3) + 0.5)}
    np.testing.assert_allclose(found[0], [0, near[1], near[2], 0, 0])
    np.testing.assert_allclose(found[1], [0.5 * near[1], near[1], near[2], 0, 0])
    nearest = ItemKnn(log, 5, shrink=0.5, neighbours=1).scores(np.array([[0]]), np.ones(1))
    np.testing.assert_allclose(nearest[0], [0, near[1], 0, 0, 0])
    rate = 8 / 9
    expected = [(3 + 10 * rate) / 13, (3 + 10 * rate) / 13, (1 + 10 * rate) / 11, (1 + 10 * rate) / 12, rate]
    np.testing.assert_allclose(reward_rate(log, 5), expected)


def test_factors_are_those_of_the_dense_decomposition():
    rng = np.random.default_rng(0)
    baskets = [rng.choice(12, size=4, replace=False) for _ in range(60)]
    log = sessions_of(baskets)
    dense = np.zeros((60, 12))
    for row, basket in zip(dense, baskets, strict=True):
        row[basket] = 1
    right = np.linalg.svd(dense)[2][:3]
    items, weights = np.array([[2, 5], [-1, 7]]), np.array([[0.4, 1.0], [0.0, 1.0]])
    profile = np.zeros((2, 12))
    profile[0, [2, 5]], profile[1, 7] = (0.4, 1.0), 1.0
    found = PureSvd(log, 12, factors=3).scores(items, weights)
    np.testing.assert_allclose(found, profile @ right.T @ right, atol=1e-9)


@pytest.mark.parametrize("make", [ItemKnn, functools.partial(PureSvd, factors=4)])
def test_planted_groups_are_found(make):
    rng = np.random.default_rng(1)
    baskets = [4 * rng.integers(4) + rng.choice(4, size=2, replace=False) for _ in range(300)]
    scores = make(sessions_of(baskets), 16).scores(np.arange(16)[:, None], np.ones(1))
    np.fill_diagonal(scores, np.nan)
    same = np.arange(16)[:, None] // 4 == np.arange(16) // 4
    assert np.nanmin(scores[same]) > np.nanmax(scores[~same]) + 0.05


def test_a_recorded_table_is_the_episodes_records():
    make = functools.partial(UniformItems, seed=3)
    table = record_table(ID, make, episodes=1100, seed=5)
    assert set(table.session) == set(range(1100))
    first = int(np.random.SeedSequence([5, 0]).generate_state(1)[0])
    whole = record(ID, make, episodes=1000, seed=first).table()
    np.testing.assert_array_equal(table.item[: len(whole)], whole.item)
    np.testing.assert_array_equal(table.reward[: len(whole)], whole.reward)
    pages = np.unique(np.stack([table.impression, table.session]), axis=1)
    assert len(set(pages[0])) == pages.shape[1]  # no page belongs to two sessions
    assert (np.bincount(table.impression)[pages[0]] == 5).all()


def test_what_a_log_of_related_items_teaches_beats_popularity():
    log = record_table(ID, lambda task: EpsilonGreedy(task, related_items(task), 0.5), episodes=2000, seed=7)
    task = sb3_ecom.spec(ID).make_task()
    popular = sb3_ecom.evaluate(ID, "popularity", episodes=512)
    for model in (ItemKnn(log, 217), PureSvd(log, 217, factors=8)):
        learnt = sb3_ecom.evaluate(ID, from_clicks(task, model), episodes=512)
        gain, error = learnt.minus(popular)
        assert gain > 3 * error


def test_one_item_a_page():
    task = sb3_ecom.spec("EcomRecSingle-v0").make_task()
    model = ItemKnn(sessions_of([(0, 1), (0, 2)]), 217)
    action = from_clicks(task, model)(np.zeros((3, *task.observation_space.shape), dtype=np.float32))
    assert action.shape == (3,)
    assert sb3_ecom.evaluate("EcomRecSingle-v0", from_clicks(task, model), episodes=8).mean >= 0


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda log, task: ItemKnn(log, 2), r"item must be in \[0, 2\), got 2"),
        (lambda log, task: ItemKnn(log, 3, neighbours=0), "neighbours must be >= 1, got 0"),
        (lambda log, task: ItemKnn(log, 3, shrink=np.nan), "shrink must be a finite number >= 0, got nan"),
        (lambda log, task: PureSvd(log, 3, factors=2), r"factors must be in \[1, 1\] for 2 sessions, got 2"),
        (lambda log, task: ItemKnn(sessions_of([(0,), (1,)]), 3), "clicks on 2 items or more, got 0 in 2"),
        (lambda log, task: from_clicks(task, ItemKnn(log, 3)), "the shop's 217 items, got 3"),
        (lambda log, task: from_clicks(task, ItemKnn(log, 217), fading=2), r"fading must be in \[0, 1\]"),
        (lambda log, task: from_clicks(task, ItemKnn(log, 217), popularity=-1), "popularity must be >= 0"),
        (lambda log, task: record_table(ID, UniformItems, episodes=0), "episodes must be >= 1, got 0"),
    ],
)
def test_bad_input_is_named(call, message):
    with pytest.raises(ValueError, match=message):
        call(sessions_of([(0, 1), (0, 2)]), sb3_ecom.spec(ID).make_task())
