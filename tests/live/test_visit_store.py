"""Visits are kept for their time to live, in memory or in Redis, and survive a restart of Redis' clients."""

import shutil
import socket
import subprocess
import time

import pytest

from sb3_ecom.live.visit_store import MemoryStore, open_store


def test_memory_forgets_visits_after_their_time_and_the_oldest_beyond_its_size():
    store = MemoryStore(time_to_live=0.05, most=2)
    for name in "abc":
        store.put(name, {"name": name})
    assert store.get("a") is None
    assert store.get("c") == {"name": "c"}
    time.sleep(0.06)
    assert store.get("c") is None


def free_port():
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return found.getsockname()[1]


@pytest.fixture
def redis_server(tmp_path):
    """Start and restart a real redis-server on loopback; without one the test is skipped."""
    pytest.importorskip("redis")
    if shutil.which("redis-server") is None:
        pytest.skip("needs redis-server (.ci/run installs it from the system's packages)")
    port, running = free_port(), []

    def start():
        command = ["redis-server", "--port", str(port), "--bind", "127.0.0.1", "--dir", str(tmp_path)]
        command += ["--save", "1 1", "--appendonly", "yes", "--appendfsync", "always"]
        running.append(subprocess.Popen(command, stdout=subprocess.DEVNULL))
        for _ in range(100):
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    return running[-1]
            time.sleep(0.05)
        raise RuntimeError("redis-server did not start")

    yield start, f"redis://127.0.0.1:{port}/0"
    for process in running:
        process.kill()
        process.wait()


def test_redis_keeps_visits_over_its_own_kill_and_restart(redis_server):
    start, url = redis_server
    process = start()
    store = open_store(url, 60.0)
    store.put("v", {"pages": [1, 2]})
    assert store.get("v") == {"pages": [1, 2]}
    assert store.get("other") is None
    process.kill()
    process.wait()
    start()
    assert store.get("v") == {"pages": [1, 2]}  # the same client finds the new server


def test_redis_forgets_visits_after_their_time(redis_server):
    start, url = redis_server
    start()
    store = open_store(url, 0.05)
    store.put("v", {})
    time.sleep(0.1)
    assert store.get("v") is None


def test_another_address_is_refused():
    with pytest.raises(ValueError, match="--state must be memory or redis"):
        open_store("mongodb://x", 1.0)
