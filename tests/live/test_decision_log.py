"""A decision log loses no acknowledged record, and is read back as visits."""

import os
import signal
import subprocess
import sys
import time
from dataclasses import replace

import pytest

from sb3_ecom.live.decision_log import Decision, DecisionLog, Reward
from sb3_ecom.logs.decisions import read_decisions

DECISION = Decision(
    event_id="e0",
    visit="v0",
    time=1_700_000_000.0,
    number=0,
    policy="ppo@1234",
    explore="epsilon:0.1",
    context={"landing": "SKU-A13", "hour": 14.5},
    items=("a", "b"),
    propensities=(0.9, 0.5),
)


def test_decisions_and_late_rewards_are_read_back_as_visits(tmp_path):
    log = DecisionLog(tmp_path)
    log.append(DECISION)
    log.append(replace(DECISION, event_id="e1", number=1, time=DECISION.time + 86_400))
    log.flush()
    log.append(Reward(event_id="e0", time=DECISION.time + 90_000, clicked="b", bought=True))
    log.close()
    (visit,) = read_decisions(tmp_path)
    assert visit.context == {"landing": "SKU-A13", "hour": 14.5}
    assert [(page.event_id, page.clicked, page.bought) for page in visit.pages] == [
        ("e0", "b", True),
        ("e1", None, False),
    ]
    assert visit.pages[0].propensities == (0.9, 0.5)
    assert len(list((tmp_path / "decisions").glob("day=*"))) == 2
    assert not list((tmp_path / "journal").iterdir())


def test_a_journal_becomes_parquet_after_its_delay_and_at_its_size(tmp_path):
    log = DecisionLog(tmp_path, delay=0.05)
    log.append(DECISION)
    time.sleep(0.06)
    log.flush_late()
    log.flush()
    assert len(read_decisions(tmp_path)) == 1
    many = DecisionLog(tmp_path / "many", rows=2)
    for number in range(4):
        many.append(replace(DECISION, event_id=f"e{number}", number=number))
    assert len(list((tmp_path / "many" / "journal").iterdir())) < 3  # two closed at their size
    many.flush()
    assert len(read_decisions(tmp_path / "many")[0].pages) == 4


KILLED = """
import sys
from sb3_ecom.live.decision_log import DecisionLog
from tests.live.test_decision_log import DECISION
from dataclasses import replace
log = DecisionLog(sys.argv[1], delay=0.02, rows=50)
for number in range(100_000):
    log.append(replace(DECISION, event_id=f"e{number}", number=number))
    print(number, flush=True)
"""


def test_a_kill_loses_no_acknowledged_decision(tmp_path):
    process = subprocess.Popen(
        [sys.executable, "-c", KILLED, str(tmp_path)], stdout=subprocess.PIPE, text=True
    )
    acknowledged = [int(process.stdout.readline()) for _ in range(333)]
    os.kill(process.pid, signal.SIGKILL)
    acknowledged += [int(line) for line in process.stdout.read().split("\n") if line]
    process.wait()
    DecisionLog(tmp_path).close()
    kept = {page.number for page in read_decisions(tmp_path)[0].pages}
    assert set(acknowledged) <= kept


def test_an_empty_folder_and_bad_settings_are_named(tmp_path):
    with pytest.raises(ValueError, match="holds no decision log"):
        read_decisions(tmp_path)
    with pytest.raises(ValueError, match="delay must be > 0 seconds, got 0"):
        DecisionLog(tmp_path, delay=0)
    with pytest.raises(ValueError, match="rows must be >= 1, got 0"):
        DecisionLog(tmp_path, rows=0)


def test_a_second_log_of_the_process_leaves_the_journal_of_the_first(tmp_path):
    first = DecisionLog(tmp_path)
    first.append(DECISION)
    DecisionLog(tmp_path).close()
    first.append(replace(DECISION, event_id="e1", number=1))
    first.close()
    assert len(read_decisions(tmp_path)[0].pages) == 2


def test_a_journal_that_can_not_become_parquet_stays_and_is_said(tmp_path, monkeypatch):
    log = DecisionLog(tmp_path)
    log.append(DECISION)
    monkeypatch.setattr(
        "sb3_ecom.live.decision_log.write_whole", lambda *_: (_ for _ in ()).throw(OSError("disk full"))
    )
    with pytest.raises(OSError, match="disk full"):
        log.flush()
    monkeypatch.undo()
    assert len(list((tmp_path / "journal").iterdir())) == 1
