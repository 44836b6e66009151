"""EcomRec's dynamics against a second, scalar writing of the same equations, and its hand-made cases."""

import math

import gymnasium as gym
import numpy as np
import pytest
import torch

import sb3_ecom
from sb3_ecom.core.arrays import NumpyBackend
from sb3_ecom.core.loop import StepLoop
from sb3_ecom.envs.recommendation.session.baselines import ObservedClicks
from sb3_ecom.envs.recommendation.session.dynamics import VisitNoise
from sb3_ecom.envs.recommendation.session.env import HISTORY, ResetNoise, SessionTask
from sb3_ecom.envs.recommendation.session.public_tables import affinity
from sb3_ecom.envs.recommendation.session.ranker import DEFAULT_RANKER, rank
from sb3_ecom.envs.recommendation.session.visitor import outside_weight
from tests.envs.recommendation.small_shop import small_params


def sigmoid(x):
    return 1 / (1 + math.exp(-x))


class Walk:
    """One visitor in plain Python: the module docstrings' equations once more, slot by slot."""

    def __init__(self, params, entry):
        items = params.catalogue
        self.p, self.items, self.entry = params, items, entry
        self.taste = [float(x) for x in items.start[entry]]
        self.satiation = [0.0] * items.num_categories
        self.satisfaction, self.opened = 0.0, {entry}

    def page(self, slate, click_u, leave_noise):
        """Return (clicked item or -1, left)."""
        p, items = self.p, self.items
        weights = []
        for slot, j in enumerate(slate):
            if j in self.opened or j in slate[:slot]:
                weights.append(0.0)
                continue
            match = sum(t * w for t, w in zip(self.taste, items.item_factors[j], strict=True))
            tired = p.satiation_weight * self.satiation[items.category[j]]
            weights.append(math.exp(items.quality[j] + match - tired + p.position_weight * slot))
        threshold, item = click_u * (sum(weights) + outside_weight(p)), -1
        for slot, weight in enumerate(weights):
            if threshold < weight:
                item = slate[slot]
                break
            threshold -= weight
        g = p.satisfaction_decay
        self.satisfaction = g * self.satisfaction + (1 - g) * (item >= 0)
        reaction = p.exit_effect_scale * items.exit_effect[item] if item >= 0 else p.exit_without_click
        stays = p.exit_satisfaction * self.satisfaction - p.exit_base - p.exit_shift - reaction
        left = sigmoid(leave_noise) < sigmoid(-stays)
        if item >= 0:
            self.opened.add(item)
            self.taste = [
                k * t + i
                for k, t, i in zip(items.retention[item], self.taste, items.click_update[item], strict=True)
            ]
            self.satiation = [s * p.satiation_decay for s in self.satiation]
            self.satiation[items.category[item]] += 1.0
        return item, left


def test_thousands_of_pages_go_as_the_equations_say():
    params = small_params(horizon=10_000, exit_base=-6.0)
    task = SessionTask(params, "slate")
    rng = np.random.default_rng(3)
    n = 40
    entry = rng.random(n).astype(np.float32)
    state = task.initial_state(ResetNoise(entry, entry, np.zeros(n, np.float32)))
    walks = [Walk(params, int(item)) for item in state.hidden.entry]
    assert len({walk.entry for walk in walks}) > 5
    agree = checked = 0
    for _ in range(60):
        slate = rng.integers(0, params.catalogue.size, (n, params.slate_size))
        noise = VisitNoise(rng.random(n, np.float32), *rng.logistic(size=(3, n)).astype(np.float32))
        state, outcome = task.step(state, slate, noise)
        for row, walk in enumerate(walks):
            item, left = walk.page(slate[row].tolist(), float(noise.click[row]), float(noise.leave[row]))
            checked += 1
            agree += item == outcome.item[row] and left == outcome.left[row]
            if item != outcome.item[row]:  # a threshold hit to float32: follow the batch from here
                pytest.fail(f"row {row}: {item} clicked in plain Python, {outcome.item[row]} in the batch")
    assert checked == 2400
    assert agree == checked
    for row, walk in enumerate(walks):
        np.testing.assert_allclose(state.hidden.taste[row], walk.taste, rtol=2e-4, atol=2e-4)
        np.testing.assert_allclose(state.hidden.satiation[row], walk.satiation, rtol=1e-4, atol=1e-5)
        np.testing.assert_allclose(state.tracked.counts[row], walk.satiation, rtol=1e-4, atol=1e-5)
        assert set(np.flatnonzero(state.tracked.opened[row])) == walk.opened


def test_opened_items_the_landing_item_and_repeats_leave_their_slot_empty():
    task = SessionTask(small_params(slate_size=3), "slate")
    loop = StepLoop(task, 64)
    loop.reset(0)
    loop.state.tracked.opened[:, 4] = True
    entry = loop.state.hidden.entry.copy()
    slate = np.stack([np.full(64, 4), np.full(64, 7), np.full(64, 7)], axis=1)
    shown = loop.step(slate).step_info["slate"]
    assert (shown[:, 0] == -1).all()
    assert (shown[:, 2] == -1).all()
    np.testing.assert_array_equal(shown[:, 1], np.where(entry == 7, -1, 7))


def test_an_empty_page_is_never_clicked():
    task = SessionTask(small_params(slate_size=2), "slate")
    loop = StepLoop(task, 256)
    loop.reset(0)
    loop.state.tracked.opened[:, [1, 2]] = True
    result = loop.step(np.tile([1, 2], (256, 1)))
    assert (result.step_info["clicked"] == -1).all()
    assert (result.terms["clicks"] == 0).all()


def test_click_shares_of_a_first_page_are_the_multinomial_logit():
    params = small_params(slate_size=4)
    task, n = SessionTask(params, "slate"), 200_000
    noise = task.draw_step(NumpyBackend(np.random.default_rng(1)), n)
    # Everybody lands on item 0.
    state = task.initial_state(ResetNoise(*np.zeros((3, n), np.float32)))
    assert (state.hidden.entry == 0).all()
    slate = np.array([3, 5, 8, 1])
    _, outcome = task.step(state, np.tile(slate, (n, 1)), noise)
    items = params.catalogue
    weight = np.exp(
        items.quality[slate]
        + items.item_factors[slate] @ items.start[0]
        + params.position_weight * np.arange(4)
    )
    chance = np.append(weight, outside_weight(params)) / (weight.sum() + outside_weight(params))
    share = np.bincount(outcome.slot, minlength=5) / n
    assert np.abs(share - chance).max() < 4 * np.sqrt(0.25 / n)


def test_history_pads_on_the_left_and_moves_with_clicks_only():
    task = SessionTask(small_params(n=30, exit_base=-20.0, horizon=200), "ranker")
    loop = StepLoop(task, 8)
    observation = loop.reset(0)
    _, history = task.observation_space.layout.split(observation)
    assert not history[:, :-1].any()
    clicks = ObservedClicks(task)
    seen = [[int(item)] for item in loop.state.hidden.entry]
    assert clicks.items(observation)[:, -1].tolist() == [row[0] for row in seen]
    for _ in range(60):
        result = loop.step(np.zeros((8, 14), np.float32))
        for row, item in enumerate(result.step_info["clicked"]):
            if item >= 0:
                seen[row].append(int(item))
        found = clicks.items(result.observation)
        for row in range(8):
            kept = seen[row][-HISTORY:]
            assert found[row].tolist() == [-1] * (HISTORY - len(kept)) + kept
    assert max(map(len, seen)) > 5


def test_the_zero_action_is_the_default_ranker_and_shows_open_items_best_first():
    task = SessionTask(small_params(n=20), "ranker")
    loop = StepLoop(task, 32)
    loop.reset(0)
    for _ in range(4):
        loop.step(np.zeros((32, 14), np.float32))
    seen, shop = loop.state.tracked, task.tables.public
    slate = rank(shop, np.zeros((32, 14), np.float32), seen.last, seen.counts, seen.opened, 5)
    for row in range(32):
        last = seen.last[row]
        scores = (
            DEFAULT_RANKER.popularity * shop.log_popularity - DEFAULT_RANKER.exit_effect * shop.exit_effect
        )
        scores = scores - DEFAULT_RANKER.satiation * shop.category @ seen.counts[row]
        scores = scores + DEFAULT_RANKER.affinity * affinity(task.params.catalogue)[last]
        scores = scores + DEFAULT_RANKER.same_category * shop.category @ shop.category[last]
        scores = np.where(seen.opened[row], -np.inf, scores)
        np.testing.assert_array_equal(np.argsort(-scores, kind="stable")[:5], slate[row])


@pytest.mark.parametrize("action", ["ranker", "slate"])
def test_a_torch_state_goes_the_same_way(action):
    task = SessionTask(small_params(n=25), action)
    n, rng = 64, np.random.default_rng(0)
    reset = task.draw_reset(NumpyBackend(np.random.default_rng(0)), n)
    state = task.initial_state(reset)
    twin_task = SessionTask(small_params(n=25), action)
    to = lambda tree: type(tree)(*(torch.as_tensor(np.asarray(x)) for x in tree))  # noqa: E731
    twin_task.tables = type(task.tables)(*(to(part) for part in task.tables))
    twin = twin_task.initial_state(to(reset))
    for _ in range(15):
        chosen = (
            rng.uniform(-1, 1, (n, 14)).astype(np.float32)
            if action == "ranker"
            else rng.integers(0, 25, (n, 5))
        )
        noise = task.draw_step(NumpyBackend(rng), n)
        state, outcome = task.step(state, chosen, noise)
        twin, other = twin_task.step(twin, torch.as_tensor(chosen), to(noise))
        np.testing.assert_array_equal(outcome.item, other.item.numpy())
        np.testing.assert_allclose(task.observe(state), twin_task.observe(twin).numpy(), atol=1e-5)


def test_nothing_hidden_is_in_the_observation():
    """Two visitors who differ in every hidden part look alike until they act."""
    task = SessionTask(small_params(patience_sd=1.0), "ranker")
    hour = np.full(2, 0.3, np.float32)
    state = task.initial_state(ResetNoise(np.full(2, 0.4, np.float32), hour, np.array([-3, 3], np.float32)))
    assert state.hidden.patience[0] != state.hidden.patience[1]
    observation = task.observe(state)
    np.testing.assert_array_equal(observation[0], observation[1])


def test_reward_terms_are_named_and_weighted():
    env = gym.make("EcomRec-v0", reward_weights={"margin": 1.0, "returns": 1.0}).unwrapped
    env.reset(seed=1)
    for _ in range(300):
        _, reward, terminated, truncated, info = env.step(np.zeros(14, np.float32))
        terms = info["reward_terms"]
        assert set(terms) == {"clicks", "purchases", "margin", "returns"}
        assert reward == pytest.approx(terms["margin"] + terms["returns"], abs=1e-4)
        assert terms["purchases"] <= terms["clicks"]
        if terminated or truncated:
            env.reset()
    with pytest.raises(ValueError, match="profit"):
        gym.make("EcomRec-v0", reward_weights={"profit": 1.0})


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"slate_size": 0}, r"slate_size must be in \[1, 12\].*got 0"),
        ({"slate_size": 13}, r"slate_size must be in \[1, 12\].*got 13"),
        ({"horizon": 0}, r"horizon must be in \[1, 100000\] pages, got 0"),
        ({"outside_scale": 0.0}, r"outside_scale must be in \[1e-06, 1000000\], got 0"),
        ({"satisfaction_decay": 1.0}, r"satisfaction_decay must be in \[0, 1\), got 1.0"),
        ({"patience_sd": -0.1}, r"patience_sd must be in \[0, 10\], got -0.1"),
        ({"buy_base": float("nan")}, "buy_base must be a finite number, got nan"),
    ],
)
def test_bad_parameters_are_named_with_bound_and_value(change, message):
    with pytest.raises(ValueError, match=message):
        small_params(**change)


def test_an_unknown_preset_and_a_broken_file_are_named(tmp_path):
    with pytest.raises(ValueError, match=r"preset must be one of eshop or .* TOML file, got 'nowhere'"):
        gym.make("EcomRec-v0", preset="nowhere")
    broken = tmp_path / "shop.toml"
    broken.write_text("[fitted]\n")
    with pytest.raises(ValueError, match=r"shop.toml.*\[assumed\]"):
        gym.make("EcomRec-v0", preset=str(broken))


def test_the_flagship_is_the_garment_shop():
    task = sb3_ecom.spec("EcomRec-v0").make_task()
    assert task.params.catalogue.size == 217
    assert task.params.slate_size == 5
    assert "10.24432/C5QK7X" in task.params.source
