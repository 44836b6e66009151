"""Settings for every test: one thread, and the folder of shared logs where there is one."""

import os
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")  # two spinning threads make small nets slower, not faster

import pytest
import torch

torch.set_num_threads(1)

SHARED = Path(__file__).resolve().parents[2] / "shared"


@pytest.fixture(scope="session", autouse=True)
def _own_cache(tmp_path_factory):
    """Keep measured scales out of the user's cache folder."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))
        yield


@pytest.fixture
def shared() -> Path:
    """The folder of real logs and exact optima beside the checkout; without it the test is skipped."""
    if not SHARED.is_dir():
        pytest.skip(f"needs the logs in {SHARED}, which are not part of the repository")
    return SHARED
