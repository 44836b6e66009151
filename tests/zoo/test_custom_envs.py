"""A user's own custom_envs.py hides ours: what README and documentation say to do then works."""

import re
from pathlib import Path

import pytest

from tests.zoo.runner import run

ROOT = Path(__file__).parents[2]
LITERAL = ("rl_zoo3.train", "--env", "EcomRec-v0")
TINY = ("-n", "64", "--eval-freq", "-1", "-params", "n_envs:1", "n_steps:32", "batch_size:32", "n_epochs:1")
OWN = "import gymnasium\n\ngymnasium.register('Mine-v0', 'mine:Env')\nprint('my own environments')\n"


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "custom_envs.py").write_text(OWN)
    return tmp_path


def test_a_custom_envs_of_ones_own_hides_ours(folder):
    output = run(folder, *LITERAL, *TINY, fails=True)
    assert "my own environments" in output
    assert "EcomRec-v0 not found in gym registry" in output


def test_one_that_imports_sb3_ecom_does_not(folder):
    (folder / "custom_envs.py").write_text(f"import sb3_ecom\n{OWN}")
    output = run(folder, *LITERAL, *TINY)
    assert "my own environments" in output
    assert (folder / "logs/ppo/EcomRec-v0_1/EcomRec-v0.zip").is_file()


@pytest.mark.parametrize("package", ["sb3_ecom", "sb3_ecom.fast"])
def test_nor_does_it_with_gym_packages(folder, package):
    output = run(folder, *LITERAL, *TINY, "--gym-packages", package)
    assert "my own environments" in output
    assert (folder / "logs/ppo/EcomRec-v0_1/EcomRec-v0.zip").is_file()


@pytest.mark.parametrize("page", ["README.md", "docs/start/rl_zoo.md"])
def test_it_is_said_beside_the_literal_command(page):
    text = (ROOT / page).read_text(encoding="utf-8")
    command = "python -m rl_zoo3.train --env EcomRec-v0"
    said = [part for part in re.split(r"\n\n|\n- ", text) if f"`{command}`" in part]
    assert said, f"{page} does not show the literal command"
    for part in ("custom_envs.py", "`import sb3_ecom`", "`--gym-packages sb3_ecom`"):
        assert part in " ".join(said[0].split()), part
