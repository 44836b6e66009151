import io

import numpy as np
import pytest
import torch
from stable_baselines3 import PPO

from sb3_ecom.core.spaces import Layout, LayoutBox
from sb3_ecom.sb3 import (
    AttentionExtractor,
    GRUExtractor,
    ItemEmbedding,
    LastClickExtractor,
    LSTMExtractor,
    TransformerExtractor,
    make_vec_env,
)

LAYOUT = Layout(context=1, steps=3, features=3)  # a step: validity, item id, dwell
SPACE = LayoutBox(LAYOUT)
EXTRACTORS = [LSTMExtractor, GRUExtractor, AttentionExtractor, TransformerExtractor, LastClickExtractor]


def observation(ids, valid=None):
    """One observation with these ids, oldest first."""
    valid = [1.0] * len(ids) if valid is None else valid
    steps = [[mark, item, 0.5] for mark, item in zip(valid, ids, strict=True)]
    return torch.cat([torch.zeros(1), torch.tensor(steps, dtype=torch.float32).ravel()])[None]


@pytest.fixture(autouse=True)
def _seed():
    torch.manual_seed(0)


@pytest.mark.parametrize("extractor", EXTRACTORS)
def test_ids_are_names_not_numbers(extractor):
    """Renaming the items and moving their vectors along changes nothing."""
    net = extractor(SPACE, item_ids=ItemEmbedding(items=7, size=4))
    before = net(observation([0, 3, 6]))
    order = torch.tensor([6, 5, 4, 3, 2, 1, 0, 7])
    with torch.no_grad():
        net.lookup.table.weight.copy_(net.lookup.table.weight[order])
    torch.testing.assert_close(net(observation([6, 3, 0])), before)
    assert (net(observation([0, 3, 6])) - before).abs().max() > 1e-3


def test_each_id_column_is_replaced_by_the_vectors_of_its_items():
    space = LayoutBox(Layout(0, 2, 4))  # validity, two ids as shares of 10, dwell
    ids = ItemEmbedding(items=10, columns=(1, 2), size=3, scale=10.0)
    net = LastClickExtractor(space, item_ids=ids)
    rows = torch.tensor([[1, 0.1, 0.2, 9, 1, 0.7, 0.3, 5]], dtype=torch.float32)
    table = net.lookup.table.weight
    assert net.features_dim == ids.step_features(4) == 8
    torch.testing.assert_close(net(rows)[0], torch.cat([table[7], table[3], torch.tensor([1.0, 5.0])]))


@pytest.mark.parametrize("strange", [7.0, -1.0, float("nan"), 1e9])
def test_unknown_items_share_the_last_vector_and_padding_may_hold_anything(strange):
    net = LastClickExtractor(SPACE, item_ids=ItemEmbedding(items=7, size=4))
    found = net(observation([strange, 0, strange], valid=[0, 1, 1]))
    torch.testing.assert_close(found[0, :4], net.lookup.table.weight[7])
    lstm = LSTMExtractor(SPACE, item_ids=ItemEmbedding(items=7, size=4))
    calm = lstm(observation([0, 1, 2], valid=[0, 1, 1]))
    torch.testing.assert_close(lstm(observation([strange, 1, 2], valid=[0, 1, 1])), calm)


def test_known_vectors_stay_as_they_are_unless_asked_to_learn():
    vectors = np.random.default_rng(0).normal(size=(7, 5)).astype(np.float32)
    for trainable in (False, True):
        ids = ItemEmbedding(items=7, size=4, vectors=vectors, trainable=trainable)
        net = AttentionExtractor(SPACE, item_ids=ids)
        optimizer = torch.optim.Adam(net.parameters(), 0.1)
        net(observation([0, 1, 2])).sum().backward()
        optimizer.step()
        same = np.array_equal(net.lookup.table.weight[:-1].detach().numpy(), vectors)
        assert same != trainable
        assert net.lookup.project.weight.grad.abs().max() > 0


@pytest.mark.parametrize(
    ("kwargs", "message"),
    [
        ({"items": 0}, "items must be >= 1, got 0"),
        ({"items": 3, "size": 0}, "size must be >= 1, got 0"),
        ({"items": 3, "scale": 0.0}, "scale must be > 0, got 0.0"),
        ({"items": 3, "columns": ()}, r"columns .*got \(\)"),
        ({"items": 3, "columns": (1, 1)}, r"columns .*got \(1, 1\)"),
        ({"items": 3, "vectors": np.zeros((2, 4))}, r"vectors must be \(3, d\).*got \(2, 4\)"),
        ({"items": 3, "vectors": np.full((3, 4), np.nan)}, "vectors must be finite"),
    ],
)
def test_tables_that_do_not_fit_are_refused(kwargs, message):
    with pytest.raises(ValueError, match=message):
        ItemEmbedding(**kwargs)


def test_a_column_beyond_the_step_is_refused():
    with pytest.raises(ValueError, match=r"columns must be < 3, .* got \(3,\)"):
        LSTMExtractor(SPACE, item_ids=ItemEmbedding(items=3, columns=(3,)))


def test_a_model_with_an_item_table_saves_and_loads():
    venv = make_vec_env("EcomToy-v0", n_envs=2, seed=0)  # its positions -1 .. 1 stand for ids here
    vectors = np.eye(5, dtype=np.float32)
    kwargs = {
        "features_extractor_class": GRUExtractor,
        "features_extractor_kwargs": {"item_ids": ItemEmbedding(items=5, vectors=vectors, scale=2.0)},
    }
    model = PPO("MlpPolicy", venv, n_steps=16, batch_size=32, n_epochs=1, policy_kwargs=kwargs, device="cpu")
    model.learn(32)
    file = io.BytesIO()
    model.save(file)
    file.seek(0)
    twin = PPO.load(file, device="cpu")
    start = venv.reset()
    np.testing.assert_array_equal(
        model.predict(start, deterministic=True)[0], twin.predict(start, deterministic=True)[0]
    )
