"""A bidder in the shop decides as the policy did in the simulator, and says what it had to assume."""

import json
import math
import re
from dataclasses import replace
from datetime import datetime

import numpy as np
import pytest

from sb3_ecom.core.loop import StepLoop
from sb3_ecom.core.registry import make_task
from sb3_ecom.live.bidder import Bidder
from sb3_ecom.live.tick_report import TickReport
from sb3_ecom.sb3.export import export
from sb3_ecom.sb3.saved_model import load_policy
from tests.live.models import save_bidder

ENV = "EcomAds-v0"
KINDS = {
    "residual": {},
    "plain": {"rule": None},
    "smoothed": {"rule": "model_predictive_smoothed", "preset": "newcampaign"},
    "first price": {"rule": None, "auction": "first", "control": "absolute"},
    "another market": {"preset": "ipinyou1458"},
}


@pytest.fixture(scope="module", params=KINDS)
def trained(request, tmp_path_factory):
    """Return task, SB3 policy and exported bidder."""
    folder = tmp_path_factory.mktemp("bidder")
    kwargs = dict(KINDS[request.param])
    run = save_bidder(folder, **kwargs)
    kwargs.pop("rule", None)
    export(run, folder / "out", ENV, checked=300, **kwargs)
    task = make_task(ENV, **kwargs)
    return task, load_policy(run, task), Bidder.load(folder / "out")


@pytest.fixture(scope="module")
def bidder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("bidder")
    export(save_bidder(folder), folder / "out", ENV, checked=100)
    return Bidder.load(folder / "out")


def play(task, policy, seed, scale):
    """Return a simulated day: opening, and of every tick the log multiplier and the report on it."""
    loop = StepLoop(task, 1, keep_last_frame=True)
    observation = loop.reset(seed)
    money = task.params.price_median / 1e6 / 1000 * scale  # of the real campaign, per simulated micro
    tracked = loop.state.tracked
    opening = {
        "budget": int(tracked.budget[0]) * money,
        "multiplier": math.exp(float(tracked.log_multiplier[0])),
        "auctions_per_day": task.params.auctions_per_tick * task.params.ticks * scale,
    }
    ticks = []
    for tick in range(task.horizon):
        left = int(loop.state.tracked.left[0])
        action = policy.predict(observation, deterministic=True)[0]
        observation = loop.step(action).observation
        state, outcome = loop.last_frame
        report = TickReport(
            impressions=float(outcome.auctions[0]) * scale,
            wins=float(outcome.wins[0]) * scale,
            spend=(left - int(state.tracked.left[0])) * money,
            conversions=float(outcome.conversions[0]) * scale,
            value=float(outcome.value[0]) * scale,
            tick=tick,
        )
        ticks.append((float(state.tracked.log_multiplier[0]), report))
    return opening, ticks


@pytest.mark.parametrize("scale", [1.0, 1000.0, 7.3])
def test_a_simulated_day_is_bid_for_as_in_the_simulator(trained, scale):
    task, policy, live = trained
    opening, ticks = play(task, policy, 5, scale)
    day, report = live.open(day="2026-11-27", **opening), None
    for number, (log_multiplier, following) in enumerate(ticks):
        bid = day.bid(report)
        assert math.log(bid.multiplier) == pytest.approx(log_multiplier, abs=1e-5)
        assert (bid.tick, bid.reason) == (number, None if day.left else "the budget is spent")
        report = following
    assert not day.note(report)
    with pytest.raises(ValueError, match="the day is over"):
        day.bid()


def test_a_day_goes_on_from_its_record_at_every_tick(trained):
    task, policy, live = trained
    opening, ticks = play(task, policy, 6, 1.0)
    day, report = live.open(**opening), None
    for _, following in ticks:
        other = live.restore(json.loads(json.dumps(day.to_record())))
        assert day.bid(report) == other.bid(report)
        assert day.to_record() == other.to_record()
        report = following


def test_a_day_goes_on_under_another_rule_or_without_the_rules_memory(bidder):
    day = bidder.open(3.0)
    for report in (None, good(0), good(1), good(2)):
        day.bid(report)
    records = [day.to_record() for _ in range(2)]
    records[0]["rule"] = "pid"
    records[1]["memory"] = None
    expected = day.bid(good(3))
    assert [bidder.restore(record).bid(good(3)) for record in records] == [expected] * 2


def test_a_days_record_keeps_held_bids_and_late_reports(bidder):
    day = bidder.open(3.0, auctions_per_day=19_200)
    for call in (None, good(0), None, None, good(2), None):
        day.bid(call)
    day.note(good(3))
    other = bidder.restore(json.loads(json.dumps(day.to_record())))
    assert day.bid(good(4)) == other.bid(good(4))


def good(tick, /, **changes):
    report = TickReport(impressions=150, wins=30, spend=0.01, conversions=2, tick=tick)
    return replace(report, **changes)


def test_a_missing_report_holds_the_multiplier(bidder):
    day = bidder.open(3.0)
    first = day.bid()
    held = day.bid()
    assert (held.multiplier, held.tick) == (first.multiplier, 1)
    assert "no report of tick 0: the multiplier is held" in held.reason


def test_ticks_left_out_are_counted_as_the_next_report_and_said(bidder):
    day = bidder.open(3.0)
    for _ in range(4):
        day.bid()
    bid = day.bid(good(3, value=20.0))
    assert bid.reason == "no report of tick 0, 1, 2: counted as tick 3 was"
    assert day.left == pytest.approx(3.0 - 0.04, abs=0.02)
    assert day.tick == 5


def test_ticks_left_out_spend_no_more_than_there_was(bidder):
    day = bidder.open(2.0, multiplier=2.0)
    for _ in range(5):
        day.bid()
    day.bid(good(4, impressions=1_000, wins=800, spend=1.2, value=700.0))
    assert day.left == 0


def test_a_report_without_value_is_completed_from_the_win_rate(trained):
    task, policy, live = trained
    opening, ticks = play(task, policy, 7, 1.0)
    day, other, report = live.open(**opening), live.open(**opening), None
    moves = []
    for _, following in ticks:
        known = day.bid(report)
        unknown = other.bid(None if report is None else replace(report, value=None))
        if report is not None and report.wins:
            assert "estimated from the win rate" in unknown.reason
        moves.append(math.log(known.multiplier / unknown.multiplier))
        report = following
    assert np.abs(moves).mean() < 0.2


def test_a_report_may_name_the_time_in_place_of_the_tick(bidder):
    day = bidder.open(3.0)
    day.bid()
    report = replace(good(None), time=datetime(2026, 11, 27, 0, 10))
    assert day.bid(report).tick == 1
    with pytest.raises(ValueError, match=r"tick must be in \[1, 1\], got 0, which was reported already"):
        day.bid(report)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"tick": 4}, r"tick must be in \[1, 1\], got 4, which was not bid for yet"),
        ({"tick": 0}, r"got 0, which was reported already"),
        ({"spend": 40.0}, r"spend of tick 1 must be <= .* \(30 wins at the highest bid; .*\), got 40.0"),
        ({"spend": 1e-9, "wins": 100}, r"spend of tick 1 must be >= .* which unit is it in\?"),
        ({"impressions": 1e6}, r"impressions of tick 1 must be <= .*auctions_per_day"),
        ({"value": 1e4}, r"value of tick 1 must be <= "),
        (
            {"impressions": 2_400, "wins": 2_300, "spend": 3.4},
            r"spend of the day must be <= 3 \(its budget\)",
        ),
    ],
)
def test_a_report_that_can_not_be_right_is_refused_and_changes_nothing(bidder, changes, message):
    day, other = bidder.open(3.0, multiplier=2.0), bidder.open(3.0, multiplier=2.0)
    for each in (day, other):
        each.bid()
        each.bid(good(0))
    with pytest.raises(ValueError, match=message):
        day.bid(good(1, **changes))
    assert day.bid(good(1)) == other.bid(good(1))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"spend": -1.0}, "spend must be >= 0, got -1.0"),
        ({"impressions": math.nan}, "impressions must be a finite number"),
        ({"wins": 151}, r"wins must be <= 150 \(impressions\), got 151"),
        ({"clicks": 31}, r"clicks must be <= 30 \(wins\), got 31"),
        ({"wins": 0}, "spend must be 0 where nothing was won, got 0.01"),
        ({"tick": -1}, "tick must be a whole number >= 0"),
        ({"time": datetime(2026, 1, 1)}, "tick or time must be given, got both"),
    ],
)
def test_a_report_checks_its_numbers(changes, message):
    with pytest.raises(ValueError, match=message):
        good(0, **changes)


def test_a_report_of_another_day_is_refused(bidder):
    day = bidder.open(3.0, day="2026-11-27")
    day.bid()
    with pytest.raises(ValueError, match="time of a report must be on 2026-11-27, got 2026-11-26"):
        day.bid(replace(good(None), time=datetime(2026, 11, 26, 0, 10)))
    with pytest.raises(ValueError, match="day must be a date"):
        bidder.open(3.0, day="Friday")


def test_a_report_before_the_first_bid_is_refused(bidder):
    with pytest.raises(ValueError, match="a report must follow a bid"):
        bidder.open(3.0).bid(good(0))


def test_a_slight_overspend_counts_as_nothing_left_and_is_said(bidder):
    day = bidder.open(2.0, multiplier=2.0)
    day.bid()
    bid = day.bid(good(0, impressions=3_000, wins=2_500, spend=2.1))
    assert "overspent by 0.1: counted as nothing left" in bid.reason
    assert bid.reason.endswith("the budget is spent")
    assert day.left == 0


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"budget": 500.0, "auctions_per_day": 1e9}, r"budget must be in \[.*\], .* got 500$"),
        ({"budget": 0.0}, "budget must be > 0"),
        ({"budget": 3.0, "auctions_per_day": -1}, "auctions_per_day must be > 0"),
        ({"budget": 3.0, "multiplier": 0.0}, "multiplier must be in "),
        ({"budget": 3.0, "target": 9.0}, "target must be left out: this policy of EcomAds-v0 has none"),
    ],
)
def test_a_day_checks_its_opening(bidder, arguments, message):
    with pytest.raises(ValueError, match=message):
        bidder.open(**arguments)


def test_a_budget_beyond_the_training_is_said_with_every_bid(bidder):
    day = bidder.open(500.0, auctions_per_day=1e6)
    assert "trained on other budgets: budget must be in" in day.bid().reason


def test_a_record_of_something_else_is_refused(bidder):
    with pytest.raises(ValueError, match=r"record must be one of Day\.to_record"):
        bidder.restore({"visit": 1})


def test_a_budget_alone_is_a_middle_one_of_a_market_of_its_size(bidder):
    day = bidder.open(budget=500.0, day="2026-11-27")
    first = day.bid()
    assumed = re.fullmatch(
        r"auctions_per_day is not given: taken as ([\d,]+), at which this budget is a middle one of "
        "the training's",
        first.reason,
    )
    auctions = float(assumed[1].replace(",", ""))
    same = bidder.open(budget=500.0, auctions_per_day=auctions)
    assert same.bid().multiplier == pytest.approx(first.multiplier, abs=1e-5)
    params = bidder.task.params
    middle = (params.budget_low + params.budget_high) / 2 * bidder.task.day_cost / 1000
    assert auctions == pytest.approx(params.auctions_per_tick * params.ticks * 500 / middle, abs=1)


@pytest.mark.parametrize("factor", [1.0, 4.0])
def test_reports_that_contradict_the_assumed_size_are_said(bidder, factor):
    day = bidder.open(budget=500.0)
    day.bid()
    scale = day._campaign.scale * factor
    for tick in range(5):
        traffic = math.exp(float(bidder.task.tables.public.traffic[tick]))
        report = TickReport(impressions=traffic * scale, wins=10, spend=0.003, value=9.0, tick=tick)
        reason = day.bid(report).reason
    params = bidder.task.params
    told = f"open with auctions_per_day={params.auctions_per_tick * params.ticks * scale:.3g}"
    assert (told in reason) == (factor > 1)
    other = bidder.restore(json.loads(json.dumps(day.to_record())))
    assert other.bid().reason.split(";")[:1] == reason.split(";")[:1]


def test_a_record_of_an_earlier_version_goes_on(bidder):
    day = bidder.open(3.0)
    day.bid()
    record = day.to_record()
    record["calls"] = [[said, values[0]] for said, values in record["calls"]]
    del record["opened"]["target"]
    assert bidder.restore(record).bid(good(0)) == day.bid(good(0))
