"""The HTTP service: answers, errors, reloads, metrics; nothing acknowledged is lost by a kill."""

import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request

import gymnasium as gym
import pytest
from stable_baselines3 import PPO

from sb3_ecom.live.app import create_app
from sb3_ecom.live.service import Service
from sb3_ecom.logs.decisions import read_decisions
from sb3_ecom.sb3.export import export
from tests.live.test_visit_store import free_port, redis_server  # noqa: F401 - a fixture

testclient = pytest.importorskip("fastapi.testclient")


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    """Return two exported policies that lie beside each other."""
    root = tmp_path_factory.mktemp("exports")
    for name, seed in (("one", 0), ("two", 1)):
        PPO("MlpPolicy", gym.make("EcomRec-v0"), n_steps=64, seed=seed).save(root / "ppo.zip")
        export(root / "ppo.zip", root / name, "EcomRec-v0", checked=256)
    return root / "one", root / "two"


@pytest.fixture
def client(folders, tmp_path):
    service = Service(folders[0], log=tmp_path / "log", seed=0)
    with testclient.TestClient(create_app(service)) as found:
        found.service = service
        yield found


def test_a_visit_over_http(client, tmp_path):
    visit = client.post("/open", json={"landing": "A1", "hour": 14.5}).json()["visit"]
    page = client.post("/recommend", json={"visit": visit}).json()
    assert len(page["items"]) == 5
    assert page["policy"].startswith("ppo@")
    answer = client.post("/record", json={"event_id": page["event_id"], "clicked": page["items"][0]})
    assert answer.json() == {"status": "noted"}
    stateless = client.post("/recommend", json={"clicks": ["A1", page["items"][0]], "hour": 14.5}).json()
    following = client.post("/recommend", json={"visit": visit}).json()
    assert following["items"] != page["items"]
    assert len(stateless["items"]) == 5
    client.service.close()
    logged = read_decisions(tmp_path / "log")
    assert [len(each.pages) for each in logged] == [2, 1]
    assert logged[0].pages[0].clicked == page["items"][0]


def test_wrong_requests_are_answered_with_the_reason(client):
    assert client.post("/recommend", json={"visit": "nobody"}).status_code == 404
    both = client.post("/recommend", json={"visit": "v", "clicks": []})
    assert both.status_code == 422
    assert both.json()["detail"] == "either visit or clicks must be given"
    late = client.post("/open", json={"landing": "A1", "hour": 25})
    assert late.json()["detail"] == "hour must be in [0, 24) hours, got 25.0"
    assert client.post("/open", json={"landing": "A1", "hours": 3}).status_code == 422
    assert client.post("/record", json={"event_id": "x:0:0"}).status_code == 404
    assert client.post("/reload", json={"folder": "/tmp"}).status_code == 422


def test_health_metrics_and_documentation(client):
    client.post("/recommend", json={"clicks": ["A1"], "hour": 1})
    assert client.get("/health").json()["status"] == "ok"
    text = client.get("/metrics").text
    assert 'sb3_ecom_decisions_total{by="policy"' in text
    assert 'sb3_ecom_requests_total{path="/recommend",status="200"} 1.0' in text
    assert "/recommend" in client.get("/openapi.json").json()["paths"]


def test_the_catalogue_changes_over_http(client):
    items = [{"item": "A1"}, {"item": "A2", "category": "x"}, {"item": "NEW", "category": "x", "price": 20}]
    change = client.post("/catalogue", json={"items": items, "new_share": 0}).json()
    assert change["new"] == ["NEW"]
    assert len(change["gone"]) == 215
    page = client.post("/recommend", json={"clicks": ["A1"], "hour": 1}).json()
    assert set(page["items"]) == {"A2", "NEW"}


def test_a_reloaded_policy_does_not_show_what_has_left(client, folders):
    items = [{"item": name} for name in ("A1", "A2", "A3")]
    client.post("/catalogue", json={"items": items, "new_share": 0})
    client.post("/reload", json={"folder": str(folders[1])})
    page = client.post("/recommend", json={"clicks": ["A1"], "hour": 1}).json()
    assert set(page["items"]) == {"A2", "A3"}


def test_a_reload_changes_the_policy_and_keeps_the_visits(client, folders):
    visit = client.post("/open", json={"landing": "A1", "hour": 1}).json()["visit"]
    before = client.post("/recommend", json={"visit": visit}).json()
    answer = client.post("/reload", json={"folder": str(folders[1])}).json()
    after = client.post("/recommend", json={"visit": visit}).json()
    assert before["policy"] != after["policy"] == answer["policy"]
    assert client.post("/record", json={"event_id": before["event_id"]}).status_code == 200


def ask(port, path, body=None):
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(
        f"http://127.0.0.1:{port}{path}", data, {"content-type": "application/json"}
    )
    with urllib.request.urlopen(request, timeout=30) as answer:
        return json.loads(answer.read())


@pytest.fixture
def start(tmp_path):
    """Start `python -m sb3_ecom serve` on loopback; stop what runs at the end."""
    running = []

    def begin(folder, *more):
        port = free_port()
        command = [sys.executable, "-m", "sb3_ecom", "serve", str(folder), "--port", str(port), *more]
        running.append(subprocess.Popen(command, stderr=subprocess.PIPE, cwd=tmp_path))
        for _ in range(300):
            if running[-1].poll() is not None:
                raise RuntimeError(running[-1].stderr.read().decode())
            try:
                ask(port, "/health")
            except (urllib.error.URLError, ConnectionError):
                time.sleep(0.1)
            else:
                return running[-1], port
        raise RuntimeError("the service did not start")

    yield begin
    for process in running:
        process.kill()
        process.wait()


def test_a_kill_of_the_service_loses_no_acknowledged_decision(start, folders, tmp_path):
    process, port = start(folders[0], "--log", str(tmp_path / "log"), "--explore", "epsilon:0.2")
    acknowledged = []

    def visitor():
        try:
            for _ in range(10_000):
                acknowledged.append(ask(port, "/recommend", {"clicks": ["A1"], "hour": 3})["event_id"])
        except (OSError, ValueError):
            return  # the service is no more

    visitors = [threading.Thread(target=visitor) for _ in range(3)]
    for each in visitors:
        each.start()
    while len(acknowledged) < 200:
        time.sleep(0.01)
    os.kill(process.pid, signal.SIGKILL)
    for each in visitors:
        each.join()
    _, port = start(folders[0], "--log", str(tmp_path / "log"))  # takes up what lay in the journal
    kept = {page.event_id for visit in read_decisions(tmp_path / "log") for page in visit.pages}
    assert len(acknowledged) >= 200
    assert set(acknowledged) <= kept


def test_a_hangup_reloads_the_folder_without_a_lost_request(start, folders, tmp_path):
    served = tmp_path / "served"
    served.symlink_to(folders[0])
    process, port = start(served)
    policies, failures = [], []

    def visitor():
        for _ in range(150):
            try:
                policies.append(ask(port, "/recommend", {"clicks": ["A1"], "hour": 3})["policy"])
            except OSError as error:
                failures.append(error)

    visitors = [threading.Thread(target=visitor) for _ in range(3)]
    for each in visitors:
        each.start()
    while len(policies) < 50:
        time.sleep(0.005)
    served.unlink()
    served.symlink_to(folders[1])
    process.send_signal(signal.SIGHUP)
    for each in visitors:
        each.join()
    assert not failures
    assert len(set(policies)) == 2
    process.send_signal(signal.SIGTERM)
    assert process.wait(timeout=30) == -signal.SIGTERM or process.returncode == 0


def test_visits_in_redis_survive_the_service_and_redis(start, folders, redis_server):  # noqa: F811
    run_redis, url = redis_server
    server = run_redis()
    process, port = start(folders[0], "--state", url)
    visit = ask(port, "/open", {"landing": "A1", "hour": 3})["visit"]
    first = ask(port, "/recommend", {"visit": visit})
    process.kill()
    process.wait()
    server.kill()
    server.wait()
    run_redis()
    _, port = start(folders[0], "--state", url)
    assert ask(port, "/record", {"event_id": first["event_id"], "clicked": first["items"][0]})
    second = ask(port, "/recommend", {"visit": visit})
    assert first["items"][0] not in second["items"]


def test_a_service_without_its_redis_says_so(start, folders, redis_server):  # noqa: F811
    run_redis, url = redis_server
    server = run_redis()
    _, port = start(folders[0], "--state", url)
    server.kill()
    server.wait()
    with pytest.raises(urllib.error.HTTPError, match="503"):
        ask(port, "/open", {"landing": "A1", "hour": 3})


def test_serving_imports_neither_torch_nor_sb3(folders):
    code = (
        "import sys; from sb3_ecom.live.service import Service; from sb3_ecom.live.app import create_app;"
        f"create_app(Service({str(folders[0])!r}));"
        "print([name for name in ('torch', 'stable_baselines3') if name in sys.modules])"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"


def test_a_changed_file_is_not_served(folders, tmp_path):
    copy = tmp_path / "copy"
    shutil.copytree(folders[0], copy)
    (copy / "policy.onnx").write_bytes(b"something else")
    with pytest.raises(ValueError, match="was changed since it was exported"):
        Service(copy)
