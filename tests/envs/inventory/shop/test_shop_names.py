"""Items of a shop go by their SKUs wherever a person reads of them."""

import numpy as np
import pytest

from sb3_ecom.core.loop import StepLoop
from sb3_ecom.core.origin import check_origin
from sb3_ecom.envs.inventory.shop.env import ShopTask

SKUS = ("MUG", "CANDLE-IN-A-LONG-GLASS", "CARD")
DEMAND = """[demand]
mean = [20.0, 8.0, 2.0]
shape = [1.0, 0.6, 0.4]
price = [2.5, 4.0, 1.2]
weekday = [1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0]
season = [0.0, 0.0, 0.0, 0.0]
persistence = 0.95
drift_sd = 0.3
"""


@pytest.fixture
def presets(tmp_path):
    """Return two presets of one shop: with ids and without."""
    named, plain = tmp_path / "named.toml", tmp_path / "plain.toml"
    named.write_text(f"[items]\nids = {list(SKUS)}\n{DEMAND}".replace("'", '"'))
    plain.write_text(DEMAND)
    return str(named), str(plain)


def test_features_actions_and_items_bear_the_presets_skus(presets):
    names = ShopTask(preset=presets[0]).feature_names()
    assert names.items == SKUS
    assert {"stock of MUG", "estimated rate of CARD"} <= set(names.context)
    assert "sales of CANDLE-IN-A-LONG-GLASS" in names.step
    assert names.action[:2] == ("reorder point of MUG", f"reorder point of {SKUS[1]}")


def test_some_of_the_items_keep_their_own_names(presets):
    task, plain = ShopTask(preset=presets[0], num_items=2), ShopTask(preset=presets[1], num_items=2)
    assert (task.item_ids, plain.item_ids) == (("MUG", "CARD"), ("1", "3"))
    assert plain.feature_names().items == ("item 1", "item 3")
    assert plain.params.demand.mean == (20.0, 2.0)


def test_the_pictures_name_them(presets):
    loop = StepLoop(ShopTask(preset=presets[0]), 1)
    loop.reset(0)
    lines = loop.task.render(loop.state, None, 0, "ansi").splitlines()
    assert [line.split()[0] for line in lines] == ["item", *SKUS]
    assert len({line.index(" 200 ") for line in lines[1:2]}) == 1
    with_names = loop.task.render(loop.state, None, 0, "rgb_array")
    plain = ShopTask(preset=presets[1]).render(loop.state, None, 0, "rgb_array")
    assert with_names.shape == (480, 640, 3)
    assert np.any(with_names != plain)


def test_names_are_no_part_of_what_a_model_is_bound_to(presets):
    named, plain = (ShopTask(preset=preset) for preset in presets)
    assert named.signature == plain.signature
    assert named.tuning_signature == plain.tuning_signature
    check_origin("a model", named.observation_space, plain.observation_space)
