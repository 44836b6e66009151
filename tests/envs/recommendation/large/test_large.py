"""The large catalogue: the flagship's own visits, pages found in an index, and lists in place of masks."""

import functools
import pickle
import sys
from dataclasses import replace

import numpy as np
import pytest

import sb3_ecom
from sb3_ecom.core.arrays import NumpyBackend, tree_map
from sb3_ecom.core.evaluate import run_episodes
from sb3_ecom.core.loop import StepLoop
from sb3_ecom.envs.recommendation.large.catalogue import as_large
from sb3_ecom.envs.recommendation.large.env import LargeTask
from sb3_ecom.envs.recommendation.large.params import LargeParams
from sb3_ecom.envs.recommendation.large.spec import make_large
from sb3_ecom.envs.recommendation.session.env import SessionTask
from sb3_ecom.envs.recommendation.session.params import SessionParams
from sb3_ecom.envs.recommendation.session.presets import load_preset
from sb3_ecom.envs.recommendation.session.tiny import solve_tiny
from tests.envs.recommendation.small_shop import small_catalogue


@functools.cache
def indexed():
    pytest.importorskip("faiss")
    return make_large(catalogue_size=20_000, retrieval="ann")


def actions(task, n, steps, seed=0):
    rng = np.random.default_rng(seed)
    return rng.uniform(-1, 1, (steps, n, task.action_space.shape[0])).astype(np.float32)


def test_with_the_fitted_catalogue_it_is_the_flagship():
    session = load_preset("eshop")
    flagship = SessionTask(session, "ranker")
    large = LargeTask(LargeParams(session=session), "ranker", items=as_large(session))
    source, n = NumpyBackend(np.random.default_rng(3)), 64
    noise = flagship.draw_reset(source, n)
    ours, theirs = large.initial_state(noise), flagship.initial_state(noise)
    for action in actions(flagship, n, 12):
        action[:, 6:] = 0  # the query's axes may point the other way
        noise = flagship.draw_step(source, n)
        ours, shown = large.step(ours, action, noise)
        theirs, expected = flagship.step(theirs, action, noise)
        np.testing.assert_array_equal(shown.slate, expected.slate)
        np.testing.assert_array_equal(shown.item, expected.item)
        np.testing.assert_allclose(ours.hidden.taste, theirs.hidden.taste, atol=1e-5)


def test_drawn_items_keep_the_fitted_means_and_covariances():
    task, fitted = make_large(catalogue_size=50_000), load_preset("eshop").catalogue
    items = task.items
    np.testing.assert_allclose(items.item_factors.mean(0), fitted.item_factors.mean(0), atol=0.01)
    for ours, theirs in (
        (items.click_update, fitted.click_update),
        (items.item_factors, fitted.item_factors),
    ):
        together = np.cov(items.item_factors.T, ours.T)
        np.testing.assert_allclose(together, np.cov(fitted.item_factors.T, theirs.T, bias=True), atol=0.012)
    shares = np.bincount(items.category) / items.size
    np.testing.assert_allclose(shares, np.bincount(fitted.category) / fitted.size, atol=0.01)


def test_the_index_finds_nearly_what_the_exact_product_finds():
    task = indexed()
    loop = StepLoop(task, 512)
    loop.reset(0)
    for action in actions(task, 512, 3):
        loop.step(action)
    weights = actions(task, 512, 1, seed=4)[0]
    related = np.zeros_like(weights)
    related[:, 4:] = np.clip(0.5 * task.tables.public.event[loop.state.tracked.last, 5:], -1, 1)
    for action in (weights, related):
        query, opened = task.query(loop.state, action), loop.state.tracked.opened
        exact, found = task.retrieve_exact(query, opened), task.retrieve(query, opened)
        assert (exact[:, :, None] == found[:, None, :]).any(2).mean() > 0.9
    twin = pickle.loads(pickle.dumps(task))
    np.testing.assert_array_equal(twin.retrieve(query, opened), found)


def test_exact_retrieval_is_a_sort_of_the_scores():
    task = make_large(catalogue_size=3001)
    loop = StepLoop(task, 32)
    loop.reset(0)
    query = task.query(loop.state, actions(task, 32, 1)[0])
    scores = query @ task.tables.public.columns[:3001].T
    np.put_along_axis(scores, loop.state.tracked.opened[:, :1], -np.inf, axis=1)
    expected = np.argsort(-scores, axis=1)[:, :5]
    np.testing.assert_array_equal(task.retrieve(query, loop.state.tracked.opened), expected)


@pytest.mark.parametrize("make", [lambda: make_large(catalogue_size=1000), indexed])
def test_an_opened_item_is_never_shown_again(make):
    task = make()
    loop = StepLoop(task, 256)
    loop.reset(0)
    clicks = 0
    for _ in range(40):
        opened = loop.state.tracked.opened.copy()
        report = loop.step(np.zeros((256, 20), dtype=np.float32)).step_info
        assert not (report["slate"][:, :, None] == opened[:, None, :]).any()
        assert (np.diff(np.sort(report["slate"], axis=1), axis=1) > 0).all()
        clicks += (report["clicked"] >= 0).sum()
    assert clicks > 500


def test_a_session_that_opened_all_candidates_gets_the_exact_page():
    task = indexed()
    loop = StepLoop(task, 4)
    loop.reset(0)
    query = task.query(loop.state, actions(task, 4, 1)[0])
    opened = task.tracker.index.find(query)
    np.testing.assert_array_equal(task.retrieve(query, opened), task.retrieve_exact(query, opened))


def test_a_copy_costs_the_same_whatever_the_catalogue():
    def bytes_of(size):
        loop = StepLoop(make_large(catalogue_size=size), 8)
        loop.reset(0)
        sizes = []
        tree_map(lambda leaf: sizes.append(leaf.nbytes), loop.state)
        return sum(sizes)

    assert bytes_of(1000) == bytes_of(8000)


def test_the_tiny_twin_earns_its_computed_optimum():
    catalogue = replace(small_catalogue(n=6, d=2), retention=np.zeros((6, 2)))
    session = SessionParams(
        catalogue=catalogue, slate_size=2, horizon=12, exit_satisfaction=0.0, satiation_weight=0.0
    )
    solution = solve_tiny(SessionTask(session, "slate"))
    task = LargeTask(LargeParams(session=session), items=as_large(session))
    loop = StepLoop(task, 20_000)

    def act(observation):
        seen = loop.state.tracked
        mask = np.zeros((len(observation), 7), dtype=np.int64)
        mask[np.arange(len(mask))[:, None], seen.opened] = 1  # -1 falls on the spare column
        return solution.slates[seen.page.astype(int), seen.last, mask[:, :6] @ (1 << np.arange(6))]

    returns = run_episodes(loop, act, seed=5)["reward"]
    assert returns.mean() == pytest.approx(solution.value, abs=3.5 * returns.std() / 20_000**0.5)


def test_long_term_value_and_memory_are_worth_something():
    entry = sb3_ecom.spec("EcomRecLarge-v0")
    myopic, last, session = (
        sb3_ecom.evaluate(entry.id, name, episodes=1024)
        for name in ("myopic_clairvoyant", "last_click_query", "session_query")
    )
    assert entry.best_known.value - 3 * entry.best_known.stderr > 1.15 * (myopic.mean + 3 * myopic.stderr)
    gain, error = session.minus(last)
    assert gain > 3 * error


def test_a_missing_library_is_named_with_its_extra(monkeypatch):
    monkeypatch.setitem(sys.modules, "faiss", None)
    with pytest.raises(ModuleNotFoundError, match=r"sb3-ecom\[large\].*retrieval='exact'"):
        make_large(catalogue_size=1000, retrieval="ann")


@pytest.mark.parametrize(
    ("kwargs", "message"),
    [
        ({"catalogue_size": 10}, r"catalogue_size must be in \[1000, 1000000\], got 10"),
        ({"bandwidth": float("nan")}, "bandwidth must be a finite number, got nan"),
        ({"retrieval": "guess"}, "retrieval must be one of auto, exact, ann, got 'guess'"),
        ({"action": "slate"}, "action must be one of query, ranker, got 'slate'"),
        ({"candidates": 2}, r"candidates must be in \[5, 1024\] \(slate_size, 1024\), got 2"),
        ({"nonsense": 1}, "unknown parameter of EcomRecLarge.*nonsense"),
    ],
)
def test_bad_parameters_are_named(kwargs, message):
    with pytest.raises(ValueError, match=message):
        make_large(**kwargs)
