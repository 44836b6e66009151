"""The wheel alone, away from the checkout, makes rl-zoo's literal command find the id."""

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from tests.zoo.runner import environment

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "pip", "wheel", "-q", "--no-deps", "-w", str(folder), str(ROOT)]
    subprocess.run(command, check=True)
    (path,) = folder.glob("sb3_ecom-*.whl")
    return path


def test_the_wheel_holds_the_hook_the_configs_and_the_presets(wheel):
    names = zipfile.ZipFile(wheel).namelist()
    assert "custom_envs.py" in names
    assert "sb3_ecom/zoo_configs/ppo.yml" in names
    assert "sb3_ecom/envs/recommendation/session/presets/eshop.toml" in names
    assert "sb3_ecom/py.typed" in names
    assert not [name for name in names if name.startswith(("tests", "benchmarks"))]
    assert not [name for name in names if name.endswith((".parquet", ".csv", ".zip", ".pt"))]
    assert len(names) == len(set(names))


def test_the_literal_command_trains_from_the_wheel_in_an_empty_folder(wheel, tmp_path):
    site, empty = tmp_path / "site", tmp_path / "empty"
    empty.mkdir()
    pip = [sys.executable, "-m", "pip", "install", "-q", "--no-deps", "--target", str(site), str(wheel)]
    subprocess.run(pip, check=True)
    env = {**environment(), "PYTHONPATH": str(site)}
    code = "import sb3_ecom, custom_envs; print(sb3_ecom.__file__, custom_envs.__file__)"
    where = subprocess.check_output([sys.executable, "-c", code], cwd=empty, env=env, text=True).split()
    assert all(path.startswith(os.fspath(site)) for path in where), where
    command = [sys.executable, "-m", "rl_zoo3.train", "--env", "EcomRec-v0", "-n", "200", "--eval-freq", "-1"]
    subprocess.run(command, cwd=empty, env=env, check=True)
    assert (empty / "logs/ppo/EcomRec-v0_1/EcomRec-v0.zip").is_file()


@pytest.mark.slow
def test_the_source_distribution_builds_and_installs(tmp_path):
    command = [sys.executable, "-m", "build", "--sdist", "--outdir", str(tmp_path / "dist"), str(ROOT)]
    subprocess.run(command, check=True, capture_output=True)
    (sdist,) = (tmp_path / "dist").glob("sb3_ecom-*.tar.gz")
    site, empty = tmp_path / "site", tmp_path / "empty"
    empty.mkdir()
    pip = [sys.executable, "-m", "pip", "install", "-q", "--no-deps", "--target", str(site), str(sdist)]
    subprocess.run(pip, check=True)
    env = {**environment(), "PYTHONPATH": str(site)}
    code = (
        "import gymnasium, custom_envs as c; gymnasium.make('EcomRec-v0').reset(); print(c.sb3_ecom.__file__)"
    )
    where = subprocess.check_output([sys.executable, "-c", code], cwd=empty, env=env, text=True).strip()
    assert where.startswith(os.fspath(site))
    assert (site / "sb3_ecom/zoo_configs/ppo.yml").is_file()
