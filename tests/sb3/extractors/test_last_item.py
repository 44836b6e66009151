"""The item of the newest step is recognised by its signs, and has a vector of its own."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from gymnasium import spaces
from stable_baselines3 import PPO

import sb3_ecom
from sb3_ecom.core.item_spaces import Items, ItemSignature
from sb3_ecom.core.loop import StepLoop
from sb3_ecom.core.spaces import Layout, LayoutBox
from sb3_ecom.sb3 import (
    LastItemEmbeddingExtractor,
    LastItemEmbeddingPolicy,
    LastItemEmbeddingSlatePolicy,
    make_vec_env,
)
from sb3_ecom.sb3.extractors.windows import cut

SIGNS = ItemSignature((1, 3), np.array([[0, 0], [1, 0], [0, 2]], dtype=np.float32))
SPACE = LayoutBox(Layout(1, 2, 4), items=Items(np.eye(3), np.zeros(3), None, SIGNS))


def observation(*newest: float) -> torch.Tensor:
    return torch.tensor([[0.5, 1, 9, 9, 9, *newest]], dtype=torch.float32)


@pytest.mark.parametrize(("first", "third", "item"), [(0.02, -0.02, 0), (0.98, 0.01, 1), (0.01, 1.98, 2)])
def test_the_nearest_signs_name_the_item(first: float, third: float, item: int) -> None:
    net = LastItemEmbeddingExtractor(SPACE, vector_size=3)
    seen = observation(1, first, 7, third)
    window = net.window(seen)
    assert net.item(window).tolist() == [item]
    torch.testing.assert_close(net.encode(window)[0, 4:], net.table.weight[item])
    torch.testing.assert_close(net.encode(window)[0, :4], seen[0, 5:])


def test_padding_is_no_item_whatever_stands_there() -> None:
    net = LastItemEmbeddingExtractor(SPACE, vector_size=3)
    with torch.no_grad():
        net.table.weight[-1] = 5  # not even a vector that was learned for it
    for strange in (0.0, 1e9):
        code = net.encode(net.window(observation(0, strange, strange, strange)))
        assert net.item(net.window(observation(0, strange, strange, strange))).tolist() == [3]
        assert not code.any()


@pytest.mark.parametrize(("items", "signs"), [(1, 2), (2, 1), (500, 9)])
def test_every_item_of_a_catalogue_is_told_from_the_others(items: int, signs: int) -> None:
    values = np.random.default_rng(items).normal(size=(items, signs)).astype(np.float32)
    known = Items(
        np.zeros((items, 1)), np.zeros(items), None, ItemSignature(tuple(range(1, signs + 1)), values)
    )
    net = LastItemEmbeddingExtractor(LayoutBox(Layout(1, 1, 1 + signs), items=known))
    rows = np.concatenate([np.ones((items, 2), dtype=np.float32), values], axis=1)
    for rounding in (0, 1e-6):  # another machine's last digits
        found = net.item(net.window(torch.as_tensor(rows * np.float32(1 + rounding))))
        assert found.tolist() == list(range(items))


@pytest.mark.parametrize("env_id", ["EcomRec-v0", "EcomRecSlate-v0", "EcomRecSingle-v0"])
def test_the_item_found_is_the_one_that_was_clicked_last(env_id: str) -> None:
    task = sb3_ecom.spec(env_id).make_task()
    net, loop = LastItemEmbeddingExtractor(task.observation_space), StepLoop(task, 256)
    seen = loop.reset(0)
    generator, clicks = np.random.default_rng(0), 0
    for _ in range(12):
        found = net.item(cut(torch.as_tensor(seen), net.layout, masked=True))
        np.testing.assert_array_equal(found, loop.state.tracked.last)
        slate = generator.integers(217, size=(256, task.params.slate_size))
        result = loop.step(slate)
        seen, clicks = result.observation, clicks + (result.step_info["clicked"] >= 0).sum()
    assert clicks > 30


@pytest.mark.parametrize(
    ("env_id", "policy"),
    [
        ("EcomRec-v0", LastItemEmbeddingPolicy),
        ("EcomRecSlate-v0", LastItemEmbeddingSlatePolicy),
        ("EcomRecSingle-v0", LastItemEmbeddingSlatePolicy),
    ],
)
def test_a_saved_policy_keeps_what_it_learned_of_items(env_id: str, policy: type, tmp_path) -> None:
    venv = make_vec_env(env_id, n_envs=8, seed=0)
    model = PPO(policy, venv, n_steps=16, batch_size=64, n_epochs=2, seed=0, device="cpu")
    before = model.policy.features_extractor.table.weight.detach().clone()
    model.learn(128)
    moved = (model.policy.features_extractor.table.weight - before).abs().max(1).values
    assert (moved > 1e-5).sum() > 5  # the items that visitors landed on or clicked
    model.save(tmp_path / "model.zip")
    seen = venv.reset()
    again = PPO.load(tmp_path / "model.zip", device="cpu")
    np.testing.assert_array_equal(
        again.predict(seen, deterministic=True)[0], model.predict(seen, deterministic=True)[0]
    )


def test_it_says_what_it_needs() -> None:
    with pytest.raises(ValueError, match="items have signs, got Box"):
        LastItemEmbeddingExtractor(spaces.Box(-1, 1, (9,)))
    with pytest.raises(ValueError, match="vector_size must be >= 1 float, got 0"):
        LastItemEmbeddingExtractor(SPACE, vector_size=0)
