"""A preset that changed on disk is read anew."""

import os
from pathlib import Path

import gymnasium as gym
import pytest

import sb3_ecom
from sb3_ecom.core.preset_text import sign_text
from sb3_ecom.envs.advertising.pacing import presets as ads
from sb3_ecom.envs.inventory.shop import presets as inventory
from sb3_ecom.envs.recommendation.session import presets as session

HOURS = {
    "EcomInventory-v0": (
        inventory,
        "online_retail_uk",
        "persistence = ",
        lambda task: task.params.demand.persistence,
    ),
    "EcomRec-v0": (session, "eshop", "patience_sd = ", lambda task: task.params.patience_sd),
    "EcomRecLarge-v0": (session, "eshop", "patience_sd = ", lambda task: task.params.patience_sd),
    "EcomAds-v0": (ads, "exchange3", "conversion_rate = ", lambda task: task.params.conversion_rate),
}


def shipped(package, name):
    folder = Path(package.__file__).parent
    return (
        folder / f"{name}.toml" if (folder / f"{name}.toml").is_file() else next(folder.glob("*.toml"))
    ).read_text()


def changed(text, key, value):
    lines = [f"{key}{value}" if line.startswith(key) else line for line in text.splitlines()]
    assert any(line.startswith(f"{key}{value}") for line in lines), text[:500]
    return sign_text("\n".join(lines) + "\n")


@pytest.mark.parametrize("env_id", sorted(HOURS))
def test_a_preset_that_changed_on_disk_is_read_anew(env_id, tmp_path):
    package, name, key, read = HOURS[env_id]
    path, text = tmp_path / "mine.toml", shipped(package, name)
    for value in (0.25, 0.75):  # of the same size, and of the same time
        path.write_text(changed(text, key, value))
        os.utime(path, (1_700_000_000, 1_700_000_000))
        assert read(gym.make(env_id, preset=str(path)).unwrapped.task) == value


def test_what_was_tuned_for_a_shop_is_not_taken_for_the_shop_that_replaced_it(tmp_path):
    path, text = tmp_path / "mine.toml", shipped(inventory, "online_retail_uk")
    tasks = []
    for value in (0.25, 0.75):
        path.write_text(changed(text, "persistence = ", value))
        tasks.append(sb3_ecom.spec("EcomInventory-v0").make_task(preset=str(path), num_items=2))
    first, second = tasks
    assert first.tuning_signature != second.tuning_signature
    assert type(first).from_signature(first.signature).params == first.params
    assert not first.is_default
    assert sb3_ecom.spec("EcomInventory-v0").make_task().is_default
