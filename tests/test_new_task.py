"""A new task is one folder: nothing else is edited, and everything that runs over ids picks it up."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
ID = "EcomThrowaway-v0"
PYTEST = ("-m", "pytest", "-q", "-p", "no:xdist", "-p", "no:cacheprovider")


@pytest.fixture(scope="module")
def checkout(tmp_path_factory):
    """A copy of the package and of the tests with one folder more."""
    copy = tmp_path_factory.mktemp("checkout")
    skip = shutil.ignore_patterns("__pycache__")
    for folder in ("sb3_ecom", "tests", "zoo_configs"):
        shutil.copytree(ROOT / folder, copy / folder, ignore=skip)
    shutil.copy(ROOT / "pyproject.toml", copy)
    shutil.copytree(ROOT / "tests/new_task/banner", copy / "sb3_ecom/envs/recommendation/banner", ignore=skip)
    return copy


def run(checkout, *arguments):
    environment = {**os.environ, "PYTHONPATH": str(checkout)}
    command = [sys.executable, *arguments]
    return subprocess.run(command, cwd=checkout, env=environment, capture_output=True, text=True)


def test_its_id_stands_in_the_table_of_ids(checkout):
    done = run(checkout, "-m", "sb3_ecom", "envs", "--markdown")
    assert f"| `{ID}` | one of three banners on each page of a visit | Discrete(3) |" in done.stdout, (
        done.stderr
    )


def test_the_contract_tests_run_over_it_and_pass(checkout):
    done = run(
        checkout,
        "-m",
        "pytest",
        "-q",
        "-p",
        "no:xdist",
        "-p",
        "no:cacheprovider",
        "tests/test_contract.py",
        "-k",
        ID,
    )
    assert done.returncode == 0, done.stdout[-3000:]
    assert done.stdout.count(".") >= 20


def test_the_test_of_trajectories_asks_for_its_record(checkout):
    done = run(
        checkout,
        "-m",
        "pytest",
        "-q",
        "-p",
        "no:cacheprovider",
        "tests/test_trajectories.py",
        "-k",
        "on_record and every",
    )
    assert ID in done.stdout
