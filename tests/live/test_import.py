"""What serves needs neither torch nor Stable-Baselines3."""

import subprocess
import sys

import pytest

from sb3_ecom import live

_HEAVY = ("torch", "stable_baselines3", "sb3_contrib", "rl_zoo3", "onnx")


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
