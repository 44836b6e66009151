"""speed.py: two checkouts in alternation, and the commands it runs."""

import pytest
import speed
import speed_against
import speed_training
from studies.records import REPOSITORY, read_rows


def test_a_checkout_against_itself_is_about_as_fast(tmp_path, capsys):
    out = tmp_path / "against.csv"
    words = f"environments EcomLostSales-v0 --against {REPOSITORY} --copies 64 --repeats 3 --seconds 0.1"
    options = speed.make_parser().parse_args([*words.split(), "--out", str(out)])
    options.run(options)
    rows = read_rows(out)
    assert [(row["way"], row["copies"]) for row in rows] == [("gymnasium.Env", "1"), ("native", "64")]
    assert all(0.3 < float(row["ratio"]) < 3 for row in rows)
    assert "ratio below 0.9" in capsys.readouterr().out


def test_turns_alternate():
    class Counter:
        def __init__(self, name):
            self.name = name

        def steps_per_s(self, *_):
            order.append(self.name)
            return {"here": 4.0, "there": 2.0}[self.name]

    order = []
    workers = Counter("here"), Counter("there")
    pairs = [speed_against.turn(workers, "ID", 1, 0.1, bool(k % 2)) for k in range(2)]
    assert order == ["here", "there", "there", "here"]
    assert pairs == [(4.0, 2.0), (4.0, 2.0)]


def test_a_row_has_the_median_ratio_of_the_pairs():
    row = speed_against.make_row("ID", 1024, [(90.0, 100.0), (80.0, 100.0), (99.0, 100.0)])
    assert row == ("ID", "native", 1024, 90, 100, "0.900", "0.800", "0.990")
    assert speed_against.too_slow([row], 0.95) == ["ID (native, 1024): 0.900"]
    assert not speed_against.too_slow([row], 0.9)


def test_a_folder_that_python_does_not_import_is_refused(tmp_path):
    with pytest.raises(ValueError, match=r"is found at|ended with"):
        speed_against.Worker(tmp_path)


def test_an_unknown_revision_is_refused():
    with pytest.raises(ValueError, match="folder or a revision, got 'no-such-revision'"):
        with speed_against.checkout_of("no-such-revision"):
            pass


def test_training_runs_the_zoo_entry_and_the_literal_command(monkeypatch):
    commands = []

    def run(command, **_):
        commands.append(command)
        return type("Done", (), {"stdout": "|    fps    | 1200 |\n|    fps    | 1500 |"})

    monkeypatch.setattr(speed_training.subprocess, "run", run)
    options = speed.make_parser().parse_args(["training", "EcomRec-v0", "--pairs", "1"])
    options.run(options)
    literal, native = commands
    assert "-conf" not in literal
    assert "-conf" in native


def test_the_device_table_has_a_row_a_way(tmp_path):
    out = tmp_path / "device.csv"
    words = f"device EcomLostSales-v0 --policies MLP --copies 64 --gpu-copies 64 64 --repeats 1 --out {out}"
    options = speed.make_parser().parse_args(words.split())
    options.run(options)
    rows = read_rows(out)
    assert next(row["way"] for row in rows) == "SB3 PPO, DummyVecEnv, cpu"
    assert all(float(row["ratio"]) > 0 for row in rows if row["way"].endswith("cpu"))
