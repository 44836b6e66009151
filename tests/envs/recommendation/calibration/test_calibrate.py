import itertools
import json
import sys
import tomllib
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from sb3_ecom.__main__ import main
from sb3_ecom.core import files as safe_files
from sb3_ecom.core.tables.hashing import HashKey, hash_ids
from sb3_ecom.envs.recommendation.calibration import click_items, report
from sb3_ecom.envs.recommendation.calibration import figure as picture
from sb3_ecom.envs.recommendation.calibration.click_log import read_click_log
from sb3_ecom.envs.recommendation.calibration.click_rows import Cleaning
from sb3_ecom.envs.recommendation.calibration.purchases import simulated_share
from sb3_ecom.envs.recommendation.calibration.sessions import Sessions
from sb3_ecom.envs.recommendation.calibration.sessions import statistics as session_statistics
from sb3_ecom.envs.recommendation.session.presets import load_preset

NOTHING_RARE = Cleaning(min_item_clicks=1, min_item_visitors=1)


def make_log(sessions=200, items=20, seed=0):
    """A log in which item i is followed by i or its neighbours."""
    rng = np.random.default_rng(seed)
    rows = []
    for session in range(sessions):
        item = int(rng.integers(items))
        for order in range(1, 2 + int(rng.geometric(0.3))):
            rows.append((f"visit-{session}", f"sku-{item}", order, f"aisle {item % 4}", 1.0 + item))
            item = (item + int(rng.integers(-1, 2))) % items
    return pd.DataFrame(rows, columns=["session_id", "item_id", "timestamp", "category", "price"])


def save(frame, tmp_path, name="log.csv"):
    path = tmp_path / name
    frame.to_csv(path, index=False) if name.endswith("csv") else frame.to_parquet(path)
    return path


def read(frame, tmp_path, cleaning=NOTHING_RARE, names=None):
    return read_click_log(save(frame, tmp_path), names or {}, cleaning, progress=False)


@pytest.fixture
def fake_fit(monkeypatch):
    """A fit that repeats the log: the tests here are about everything around the fit."""
    statistics = lambda s: {"clicks per session": len(s.item) / (s.session[-1] + 1), "top 1": 0.0}  # noqa: E731
    fake = SimpleNamespace(
        Sessions=SimpleNamespace,
        fit=lambda sessions, **kwargs: SimpleNamespace(
            params=sessions, standard_errors={"alpha": 0.1}, shrinkage="none"
        ),
        simulate_log=lambda params, n_sessions, seed: params,
        statistics=statistics,
        memory_gap=lambda sessions, seed: (4.0, 3.9),
        format_preset=lambda params, source, errors, item_ids: (
            f"items = {json.dumps(item_ids)}\n[source]\nlog = {json.dumps(source['log'])}\n"
        ),
    )
    package = sys.modules["sb3_ecom.envs.recommendation.calibration"]
    monkeypatch.setitem(sys.modules, "sb3_ecom.envs.recommendation.calibration.fit", fake)
    monkeypatch.setattr(package, "fit", fake, raising=False)
    return fake


@pytest.fixture
def calibrate(tmp_path, capsys):
    """Run `calibrate recommendation` on a frame or path; return (exit code, stdout, stderr)."""

    def call(log, *arguments):
        path = save(log, tmp_path) if isinstance(log, pd.DataFrame) else log
        code = main(
            ["calibrate", "recommendation", str(path), "--out", str(tmp_path / "shop.toml"), *arguments]
        )
        captured = capsys.readouterr()
        return code, captured.out, captured.err

    return call


def test_clicks_come_in_order_of_session_and_time(tmp_path):
    frame = make_log()
    log = read(frame.sample(frac=1, random_state=1), tmp_path)
    ids = np.array(log.item_ids)[log.item]
    number = np.unique(frame["session_id"], return_inverse=True)[
        1
    ]  # any numbering: compare as sets of sessions
    expected = {tuple(frame["item_id"].to_numpy()[number == k]) for k in range(number.max() + 1)}
    assert {tuple(ids[log.session == k]) for k in range(log.num_sessions)} == expected
    assert (np.diff(log.session) >= 0).all()


def test_items_get_their_category_and_median_price(tmp_path):
    frame = make_log()
    frame.loc[frame["item_id"] == "sku-3", "price"] = np.nan  # its category: sku 7, 11, 15, 19
    frame.loc[frame.index[frame["item_id"] == "sku-5"][0], "price"] = 1e6
    frame.loc[frame.index[frame["item_id"] == "sku-6"][0], "price"] = -1.0
    log = read(frame, tmp_path)
    price = dict(zip(log.item_ids, log.prices, strict=True))
    category = dict(zip(log.item_ids, np.array(log.category_ids)[log.categories], strict=True))
    assert price["sku-5"] == 6.0
    assert price["sku-6"] == 7.0
    assert price["sku-3"] == np.median([8, 12, 16, 20])
    assert category["sku-5"] == "aisle 1"
    assert any("1 items with fewer than 3 prices" in note for note in log.notes)
    assert any("no usable price" in note for note in log.notes)


def test_medians_of_groups_are_numpys():
    rng = np.random.default_rng(0)
    values, group = rng.random(50), rng.integers(0, 4, 50)
    found = click_items.group_medians(values, group, 5)
    np.testing.assert_allclose(found[:4], [np.median(values[group == k]) for k in range(4)])
    assert np.isnan(found[4])
    assert np.isnan(click_items.group_medians(values[:0], group[:0], 1)).all()


def test_an_item_in_two_categories_gets_its_most_frequent(tmp_path):
    frame = make_log()
    frame.loc[frame.index[frame["item_id"] == "sku-2"][0], "category"] = "aisle 3"
    log = read(frame, tmp_path)
    assert log.category_ids[log.categories[log.item_ids.index("sku-2")]] == "aisle 2"
    assert any("several categories" in note for note in log.notes)


def test_a_log_without_extras_is_enough(tmp_path):
    log = read(make_log()[["session_id", "item_id", "timestamp"]], tmp_path)
    assert log.prices is None
    assert set(log.categories) == {0}
    assert len(log.notes) == 2


def test_repeated_rows_are_dropped_and_counted(tmp_path):
    frame = make_log()
    twice = pd.concat([frame, frame.iloc[:7]])
    log = read(twice, tmp_path)
    assert len(log.item) == len(frame)
    assert log.dropped == {"repeats an earlier row (same session, item and time)": "7"}


def test_whole_days_tell_no_duplicates_apart(tmp_path):
    frame = make_log().assign(timestamp="2024-05-01")
    log = read(frame, tmp_path)
    assert len(log.item) == len(frame)
    assert any("whole days" in note for note in log.notes)


def test_rare_items_are_dropped_and_the_most_clicked_kept(tmp_path):
    frame = make_log()
    rare = pd.DataFrame({"session_id": ["visit-0"] * 3, "item_id": ["rare"] * 3, "timestamp": [90, 91, 92]})
    log = read(pd.concat([frame, rare]), tmp_path, Cleaning(min_item_clicks=4, min_item_visitors=1))
    assert "rare" not in log.item_ids
    assert log.dropped == {"item has fewer than 4 clicks (--min-item-clicks)": "3"}
    log = read(frame, tmp_path, Cleaning(max_items=10, min_item_visitors=1))
    assert sorted(np.bincount(log.item)) == sorted(frame["item_id"].value_counts()[:10])
    assert any("sessions look shorter" in note for note in log.notes)


def test_a_sample_of_sessions_is_whole_and_repeatable(tmp_path):
    first, second = (
        read(make_log(), tmp_path, Cleaning(max_sessions=60, min_item_clicks=1, min_item_visitors=1))
        for _ in range(2)
    )
    assert first.num_sessions == 60
    np.testing.assert_array_equal(first.item, second.item)


def test_a_purchase_flag_belongs_to_its_click(tmp_path):
    frame = make_log()
    frame["bought"] = (frame["timestamp"] == 2).astype(int)
    log = read(frame, tmp_path)
    assert log.purchases.sum() == frame["bought"].sum()


def test_a_purchase_event_is_credited_to_the_last_click_on_its_item(tmp_path):
    frame = make_log().assign(event="view")
    sale = frame.iloc[[0]].assign(event="transaction", timestamp=50)
    cart = sale.assign(event="addtocart", timestamp=49)
    stray = sale.assign(item_id="sku-19" if frame["item_id"][0] != "sku-19" else "sku-1", session_id="other")
    log = read(pd.concat([frame, sale, cart, stray]), tmp_path)
    assert len(log.item) == len(frame)
    assert log.purchases.sum() == 1
    assert log.item_ids[log.item[log.purchases][0]] == frame["item_id"][0]
    assert log.dropped["event is neither click nor purchase"] == "1"
    assert log.dropped["event is a purchase (credited to its click)"] == "2"
    assert any("1 purchases follow no click" in note for note in log.notes)


def test_hashed_ids_are_stable_distinct_and_keyed():
    assert len(hash_ids(["A13"], b"key")[0]) == 12
    assert hash_ids(["A13", "A16"], b"key") == [*hash_ids(["A13"], b"key"), *hash_ids(["A16"], b"key")]
    assert hash_ids(["A13"], b"key") != hash_ids(["A13"], b"other")


def test_calibrate_writes_preset_report_and_picture(calibrate, fake_fit, tmp_path):
    frame = make_log()
    frame.loc[0, "timestamp"] = -1
    frame["timestamp"] = frame["timestamp"].astype(object)
    frame.loc[3, "timestamp"] = "never"
    code, out, err = calibrate(frame, "--price", "price")
    assert (code, err) == (0, "")
    assert "dropped, time is not a time: 1 (first: row 4)" in out
    assert "next-item NLL, GRU" in out
    key = bytes.fromhex((tmp_path / "log.csv.hashkey").read_text())
    assert key.hex() not in (tmp_path / "shop.toml").read_text()
    preset = tomllib.loads((tmp_path / "shop.toml").read_text())
    assert preset["source"]["log"] == "log.csv"
    assert sorted(preset["items"]) == sorted(hash_ids([f"sku-{k}" for k in range(20)], key))
    found = json.loads((tmp_path / "shop_report" / "fidelity.json").read_text())
    assert found["source"]["rows_read"] == len(frame)
    assert found["source"]["clicks"] == len(frame) - 1
    assert found["source"]["dropped"] == {"time is not a time": "1 (first: row 4)"}
    assert {row["name"]: row["verdict"] for row in found["statistics"]}["memory gap"] == "agrees"
    page = (tmp_path / "shop_report" / "fidelity.md").read_text()
    assert "| memory gap | 0.1 | 0.1 | 0.02 |  | agrees |" in page
    assert (tmp_path / "shop_report" / "fidelity.png").read_bytes().startswith(b"\x89PNG")
    assert not list(tmp_path.glob(".shop*"))


def test_no_id_of_a_visitor_or_item_is_written(calibrate, fake_fit, tmp_path):
    calibrate(make_log(), "--report", str(tmp_path / "here"))
    written = [tmp_path / "shop.toml", *(tmp_path / "here" / f"fidelity.{end}" for end in ("md", "json"))]
    for path in written:
        assert "visit-" not in path.read_text()
        assert "sku-" not in path.read_text()


def test_item_ids_are_kept_on_demand(calibrate, fake_fit, tmp_path):
    frame = make_log()
    frame["item_id"] = frame["item_id"].str.replace("sku-3", "платье é水")
    calibrate(frame, "--keep-item-ids", "--no-memory")
    assert "платье é水" in tomllib.loads((tmp_path / "shop.toml").read_text())["items"]


def test_the_command_fits_a_small_log_that_a_shop_can_open(calibrate, tmp_path):
    frame = make_log(sessions=300).rename(columns={"item_id": "sku"})
    frame["bought"] = (np.arange(len(frame)) % 10 == 0).astype(int)
    arguments = ("--no-memory", "--sessions-simulated", "500", "--source", "made up, MIT", "--keep-item-ids")
    code, _, err = calibrate(frame, *arguments)
    assert (code, err) == (0, "")
    content = tomllib.loads((tmp_path / "shop.toml").read_text())
    assert content["source"]["source"] == "made up, MIT"
    assert content["source"]["sessions"] == 300
    assert content["source"]["purchases_per_click"] == round(frame["bought"].mean(), 5)
    assert "exit_base" in content["standard_errors"]
    assert "buy_base" in content["standard_errors"]
    params = load_preset(tmp_path / "shop.toml")
    assert set(params.catalogue.item_ids) == set(frame["sku"])
    assert abs(simulated_share(params, seed=5) - frame["bought"].mean()) < 0.03
    found = json.loads((tmp_path / "shop_report" / "fidelity.json").read_text())
    length = next(row for row in found["statistics"] if row["name"] == "clicks per session, mean")
    assert length["verdict"] == "agrees"


@pytest.mark.parametrize("failure", [KeyboardInterrupt, ValueError("no fit")])
def test_nothing_is_left_behind_when_the_fit_fails(calibrate, fake_fit, tmp_path, failure):
    def fail(*args, **kwargs):
        raise failure

    (tmp_path / "shop.toml").write_text("old = 1\n")
    fake_fit.fit = fail
    code, _, err = calibrate(make_log())
    assert code == (130 if failure is KeyboardInterrupt else 2)
    assert err.count("\n") == 1
    assert sorted(path.name for path in tmp_path.iterdir()) == ["log.csv", "shop.toml"]
    assert (tmp_path / "shop.toml").read_text() == "old = 1\n"


def test_a_file_is_written_as_a_whole_or_not_at_all(tmp_path, monkeypatch):
    path = tmp_path / "out.toml"
    safe_files.write_whole(path, b"new")
    assert path.read_bytes() == b"new"
    monkeypatch.setattr(safe_files.os, "replace", lambda *args: (_ for _ in ()).throw(KeyboardInterrupt))
    with pytest.raises(KeyboardInterrupt):
        safe_files.write_whole(path, b"newer")
    assert [found.name for found in tmp_path.iterdir()] == ["out.toml"]
    assert path.read_bytes() == b"new"


def one_session(frame):
    return frame.assign(session_id="s", timestamp=np.arange(len(frame)))


@pytest.mark.parametrize(
    ("change", "arguments", "message"),
    [
        (lambda f: f.drop(columns="item_id"), [], "known as item: name it with --item"),
        (lambda f: f, ["--item", "sku"], "--item names 'sku'"),
        (lambda f: f.iloc[:0], [], "a header and no row"),
        (
            lambda f: f.assign(item_id="x", timestamp=np.arange(len(f))),
            [],
            "a fit needs >= 10 items, the log has 1",
        ),
        (one_session, [], "a fit needs >= 50 sessions, the log has 1"),
        (lambda f: f.assign(session_id=np.arange(len(f))), [], "is 'session_id' (--session) the session?"),
        (lambda f: f.assign(timestamp="soon"), [], "parses as a time (first: row 1)"),
        (lambda f: f, ["--min-item-clicks", "9999"], "a fit needs >= 10 items, the log has 0"),
        (lambda f: f, ["--min-item-clicks", "0"], "min_item_clicks must be >= 1, got 0"),
        (lambda f: f, ["--max-items", "3"], "max_items must be >= 10, got 3"),
        (lambda f: f, ["--max-sessions", "3"], "max_sessions must be >= 50, got 3"),
        (lambda f: f, ["--sessions-simulated", "3"], "sessions_simulated must be >= 100, got 3"),
        (lambda f: f, ["--seed", "-1"], "seed must be >= 0, got -1"),
        (lambda f: f, ["--out", "preset.json"], "must end in .toml"),
        (lambda f: f, ["--out", "no/such/folder/x.toml"], "does not exist"),
    ],
)
def test_a_log_or_option_that_can_not_be_used_says_why(calibrate, tmp_path, change, arguments, message):
    code, _, err = calibrate(change(make_log()), *arguments)
    assert code == 2
    assert message in err
    assert err.count("\n") == 1
    assert sorted(path.name for path in tmp_path.iterdir()) == ["log.csv"]


def test_a_folder_can_not_be_the_preset(tmp_path):
    (tmp_path / "x.toml").mkdir()
    with pytest.raises(ValueError, match="is a folder"):
        safe_files.check_writable(tmp_path / "x.toml", ".toml")


def sessions_of(lengths, item=0):
    lengths = np.asarray(lengths)
    session = np.repeat(np.arange(len(lengths)), lengths)
    return Sessions(session=session, item=np.arange(len(session)) % 5 + item, num_items=10)


def test_no_session_against_no_session_is_no_agreement():
    log = sessions_of(np.tile([2, 3, 4], 100))
    lines = {line.name: line for line in report.compare_logs(log, log, session_statistics)}
    assert lines["exit hazard after 20 clicks"].verdict == "not enough data"
    assert "0 sessions are that long" in lines["exit hazard after 20 clicks"].reason
    assert lines["exit hazard after 1 clicks"].verdict == "agrees"  # 0 of 300 against 0 of 300
    assert lines["clicks per session, mean"].verdict == "agrees"


def test_a_line_that_differs_says_why():
    log, other = sessions_of(np.tile([2, 3, 4], 100)), sessions_of(np.tile([4, 5, 6], 100))
    lines = {line.name: line for line in report.compare_logs(log, other, session_statistics)}
    line = lines["clicks per session, mean"]
    assert line.verdict == "differs"
    assert report.REASONS["clicks per session"] in line.reason
    assert report.explain("nobody knows this one") == "why is not known"


def test_a_few_sessions_are_not_enough_data():
    rng = np.random.default_rng(0)
    log, other = (sessions_of(rng.geometric(0.3, 20)) for _ in range(2))
    found = [line.verdict for line in report.compare_logs(log, other, session_statistics)]
    assert "agrees" not in found[:1]


def test_curves_of_the_picture_are_right():
    lengths = np.array([1, 1, 2, 4])
    k, survival = picture.survival(lengths)
    assert (k.tolist(), survival.tolist()) == ([1, 2, 3, 4], [1, 0.5, 0.25, 0.25])
    k, hazard = picture.exit_hazard(np.repeat(lengths, 100))
    assert (k.tolist(), hazard.tolist()) == ([1, 2, 3, 4], [0.5, 0.5, 0, 1])
    assert picture.popularity(np.array([0, 0, 1, 2]))[1].tolist() == [0.5, 0.75, 1]
    sessions = SimpleNamespace(session=np.array([0, 0, 0, 1, 1]), item=np.array([0, 1, 0, 0, 2]), num_items=3)
    found = picture.transitions(sessions, np.array([0, 1, 2]))
    assert found.tolist() == [[0, 1, 1], [1, 0, 0], [0, 0, 0]]


def test_the_real_log_needs_only_two_names(shared):
    path = shared / "data" / "rec_eshop_clothing2008" / "eshop_clothing_2008.parquet"
    names = {"item": "page 2 (clothing model)", "category": "page 1 (main category)"}
    log = read_click_log(path, names, NOTHING_RARE, progress=False)
    assert log.columns == {**names, "session": "session ID", "time": "order", "price": "price"}
    assert (len(log.item), log.num_sessions, log.num_items) == (165_474, 24_026, 217)
    assert log.dropped == {}
    assert len(log.category_ids) == 4


EXTRAS = ["category", "price", "position", "bought", "event_type", "user_id"]


def subsets(names):
    return [(), *((name,) for name in names), *itertools.combinations(names, 2), tuple(names)]


@pytest.mark.parametrize("absent", subsets(EXTRAS), ids=lambda names: "+".join(names) or "none")
def test_every_optional_column_may_be_absent(calibrate, tmp_path, monkeypatch, absent):
    from sb3_ecom.envs.recommendation.calibration import choice, exit, purchases

    monkeypatch.setattr(choice, "_STEPS", 2)
    monkeypatch.setattr(choice, "_EPOCHS", (1, 1))
    monkeypatch.setattr(exit, "_ROUNDS", 1)
    monkeypatch.setattr(purchases, "_ROUNDS", 1)
    frame = make_log(sessions=80, items=12)
    frame["position"], frame["user_id"] = 1, frame["session_id"]
    frame["bought"], frame["event_type"] = (np.arange(len(frame)) % 10 == 0).astype(int), "view"
    frame = frame.drop(columns=list(absent))
    code, _, err = calibrate(frame, "--no-memory", "--sessions-simulated", "100")
    assert (code, err) == (0, "")
    found = json.loads((tmp_path / "shop_report" / "fidelity.json").read_text())
    named = {row["name"] for row in found["statistics"]}
    assert ("same category on the next click" in named) == ("category" not in absent)


def test_a_log_of_session_item_and_time_alone_calibrates(calibrate, shared):
    code, _, err = calibrate(shared / "cases/logs/no_category.csv", "--no-memory")
    assert (code, err) == (0, "")


def test_no_cell_of_a_shifted_row_is_written(calibrate, tmp_path, shared):
    secret = "@"
    code, out, err = calibrate(shared / "cases/logs/shifted_cell.csv", "--no-memory")
    assert (code, err) == (0, "")
    assert "time is not a time: 1 (first: row" in out
    assert secret not in out
    for path in [tmp_path / "shop.toml", *(tmp_path / "shop_report").glob("*.[mj]*")]:
        assert secret not in path.read_text()


def test_only_rows_whose_event_is_a_click_are_clicks(tmp_path):
    frame = make_log().assign(event_type="clicks")
    more = [
        frame.assign(event_type=name, timestamp=frame["timestamp"] + 0.5) for name in ("carts", "impression")
    ]
    log = read(pd.concat([frame, *more]), tmp_path)
    assert len(log.item) == len(frame)
    assert log.purchases is None
    assert log.dropped["event is neither click nor purchase"] == f"{2 * len(frame):,}"


def test_unknown_events_are_listed_and_asked_for(calibrate, fake_fit, tmp_path):
    frame = make_log()
    frame["event_type"] = np.where(np.arange(len(frame)) % 2, "blick", "peek")
    frame.loc[0, "event_type"] = "jane@example.com"
    code, _, err = calibrate(frame)
    assert code == 2
    assert "blick (" in err
    assert "peek (" in err
    assert "1 rows of other texts; type --click-events NAME" in err
    assert "jane" not in err
    frame.loc[0, "event_type"] = "sold!"
    code, out, _ = calibrate(frame, "--click-events", "blick", "--purchase-events", "sold!", "--no-memory")
    assert code == 0
    assert f"used: {(frame['event_type'] == 'blick').sum():,} clicks" in out


def test_quantities_in_a_purchase_flag_count(tmp_path, shared):
    log = read(make_log().assign(bought=lambda f: np.arange(len(f)) % 4), tmp_path)
    assert log.purchases.mean() == pytest.approx(0.75, abs=0.01)
    log = read_click_log(shared / "cases/logs/bought_quantity.csv", {}, NOTHING_RARE, progress=False)
    assert log.purchases.sum() == 132


def test_carts_are_no_clicks(shared):
    log = read_click_log(shared / "cases/logs/events_no_purchase.csv", {}, NOTHING_RARE, progress=False)
    assert len(log.item) == 1351


def test_a_column_named_type_that_holds_no_event_is_left_alone(tmp_path):
    frame = make_log()
    log = read(frame.assign(type="shoes"), tmp_path)
    assert len(log.item) == len(frame)
    assert any("'type' holds no known event" in note for note in log.notes)


def test_a_bot_is_left_out_and_said(tmp_path):
    frame = make_log()
    bot = pd.DataFrame({"session_id": "bot", "item_id": "sku-1", "timestamp": np.arange(5000)})
    log = read(pd.concat([frame, bot]), tmp_path)
    assert len(log.item) == len(frame)
    reason = "in 1 sessions of more than 500 clicks, as of a bot (--max-session-clicks)"
    assert log.dropped == {reason: "5,000"}


def test_an_item_needs_five_visitors_to_stand_in_a_preset(tmp_path):
    frame = make_log()
    few = pd.DataFrame({"session_id": [f"visit-{k % 4}" for k in range(40)], "item_id": "private"})
    few["timestamp"] = 100 + np.arange(40)
    both = pd.concat([frame, few])
    log = read(both, tmp_path, Cleaning())
    assert "private" not in log.item_ids
    assert log.dropped == {"item has clicks of fewer than 5 sessions (--min-item-visitors)": "40"}
    one = both.assign(user_id=np.where(both["item_id"] == "sku-7", "same", both["session_id"]))
    log = read(one, tmp_path, Cleaning())
    assert "sku-7" not in log.item_ids
    assert any("fewer than 5 visitors" in reason for reason in log.dropped)


def test_an_unreadable_price_keeps_the_click(tmp_path):
    frame = make_log()
    frame["price"] = frame["price"].astype(object)
    frame.loc[::3, "price"] = ""
    frame.loc[1, "price"] = "on request"
    log = read(frame, tmp_path)
    assert len(log.item) == len(frame)
    assert any(note.startswith("price is not a number in 1 (first: row 2) rows") for note in log.notes)
    assert log.prices[log.item_ids.index("sku-5")] == 6.0


def test_money_written_with_commas_is_read(tmp_path):
    frame = make_log()
    frame["price"] = [f"€ {price:.2f}".replace(".", ",") for price in frame["price"]]
    log = read(frame, tmp_path)
    assert log.prices[log.item_ids.index("sku-5")] == 6.0


def test_a_key_file_is_made_once_kept_private_and_reused(tmp_path):
    log, out = tmp_path / "log.csv", tmp_path / "shop.toml"
    key = HashKey.find(None, log, out)
    key.save()
    assert HashKey.find(None, log, out).value == key.value
    assert (tmp_path / "log.csv.hashkey").stat().st_mode & 0o777 == 0o600
    (tmp_path / "bad").write_text("jane")
    with pytest.raises(ValueError, match=r"--hash-key: .*bad can not be read as hex digits"):
        HashKey.find(tmp_path / "bad", log, out)


def test_no_key_is_written_beside_a_log_in_a_read_only_folder(tmp_path):
    (tmp_path / "data").mkdir()
    (tmp_path / "data").chmod(0o555)
    HashKey.find(None, tmp_path / "data" / "log.csv", tmp_path / "shop.toml").save()
    assert [path.name for path in (tmp_path / "data").iterdir()] == []
    assert (tmp_path / "shop.toml.hashkey").is_file()
    (tmp_path / "data").chmod(0o755)


@pytest.mark.parametrize("option", ["event", "purchase"])
def test_a_column_that_the_user_names_as_events_is_never_left_alone(tmp_path, option):
    with pytest.raises(ValueError, match=r"column 'type' .--event. names events that are not known"):
        read(make_log().assign(type="shoes"), tmp_path, names={option: "type"})


def test_a_stray_text_among_purchase_flags_costs_its_cell_only(tmp_path):
    frame = make_log()
    frame["bought"] = np.where(np.arange(len(frame)) % 4 == 0, "1", "0")
    frame.loc[1, "bought"] = "jane@example.com"
    log = read(frame, tmp_path)
    assert len(log.item) == len(frame)
    assert log.purchases.sum() == (frame["bought"] == "1").sum()


def make_events(codes, column):
    """A log in which each of 60 visits views, carts and buys one item, in numbered events."""
    visit = np.repeat(np.arange(60), 3)
    return pd.DataFrame(
        {"session_id": visit, "item_id": visit % 12, "timestamp": np.arange(180), column: np.tile(codes, 60)}
    )


@pytest.mark.parametrize("column", ["event", "behavior_type", "type"])
def test_numbered_events_are_asked_for_and_never_all_clicks(tmp_path, column):
    frame = make_events([1, 3, 4], column)
    with pytest.raises(ValueError, match=r"not known as a click: 4 .60 rows., 3 .60 rows., 1 .60 rows"):
        read(frame, tmp_path)


def test_a_type_of_items_in_numbers_is_no_event(tmp_path):
    frame = make_log()
    frame["type"] = frame["item_id"].str[4:].astype(int) % 3
    assert len(read(frame, tmp_path).item) == len(frame)


def test_visitors_without_sessions_are_parted_into_visits(calibrate, fake_fit, tmp_path):
    frame = make_log()
    order = frame.groupby("session_id").cumcount()
    visit = frame["session_id"].str[6:].astype(int)
    frame["timestamp"] = (
        pd.to_datetime("2024-01-01") + pd.to_timedelta(visit, "D") + pd.to_timedelta(order, "min")
    ).astype(str)
    whole = read(frame, tmp_path)
    frame["user_id"] = "u" + (visit % 80).astype(str)
    frame = frame.drop(columns="session_id")
    parted = read(frame, tmp_path, Cleaning(min_item_clicks=1, min_item_visitors=1, session_gap=30))
    assert (parted.num_sessions, len(parted.item)) == (whole.num_sessions, len(whole.item))
    visitors = read(frame, tmp_path, names={"session": "user_id"})
    assert visitors.num_sessions == 80
    assert any("80 of 80 sessions hold a pause of more than 12 hours" in note for note in visitors.notes)
    assert not any("pause" in note for note in whole.notes)
    code, out, _ = calibrate(frame, "--session-gap", "30")
    assert code == 0
    assert "part 80 sessions into 200 visits" in out


def test_a_gap_needs_times_of_the_day(tmp_path):
    with pytest.raises(ValueError, match="session_gap needs times of the day"):
        read(make_log(), tmp_path, Cleaning(session_gap=30))
    with pytest.raises(ValueError, match="session_gap must be > 0 minutes, got 0"):
        Cleaning(session_gap=0)
