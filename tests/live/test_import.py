"""What serves needs neither torch nor Stable-Baselines3."""

import subprocess
import sys

import pytest

from sb3_ecom import live
from sb3_ecom.sb3.export import export
from tests.live.models import save_bidder, save_planner

_HEAVY = ("torch", "stable_baselines3", "sb3_contrib", "rl_zoo3", "onnx")


def run(lines):
    command = [sys.executable, "-c", "\n".join(lines)]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


@pytest.mark.parametrize("names", ["", *live.__all__])
def test_a_live_form_imports_no_training_library(names):
    lines = [
        "import sys, sb3_ecom.live",
        f"from sb3_ecom.live import {names}" if names else "",
        f"print([name for name in {_HEAVY} if name in sys.modules])",
    ]
    done = subprocess.run(
        [sys.executable, "-c", "\n".join(lines)], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="no attribute 'Shopkeeper'"):
        live.Shopkeeper  # noqa: B018
    assert set(live.__all__) <= set(dir(live))


@pytest.mark.parametrize(
    ("save", "env_id", "form"),
    [(save_bidder, "EcomAds-v0", "Bidder"), (save_planner, "EcomInventory-v0", "Planner")],
)
def test_a_policy_on_top_of_a_rule_loads_within_two_seconds(save, env_id, form, tmp_path):
    export(save(tmp_path), tmp_path / "out", env_id, checked=10)
    lines = [
        "import time",
        f"from sb3_ecom.live import {form}",
        "begin = time.process_time()",
        f"{form}.load({str(tmp_path / 'out')!r}).deployed.adapter",
        "print(time.process_time() - begin)",
    ]
    done = subprocess.run(
        [sys.executable, "-c", "\n".join(lines)], capture_output=True, text=True, check=True
    )
    assert float(done.stdout) < 2.0
