"""A bidder of EcomAdsAuto-v0 decides from a platform's reports as the policy did in the simulator."""

import json
import math

import pytest

from sb3_ecom.core.loop import StepLoop
from sb3_ecom.core.registry import make_task
from sb3_ecom.live.bidder import Bidder
from sb3_ecom.live.tick_report import TickReport
from sb3_ecom.sb3.export import export
from sb3_ecom.sb3.saved_model import load_policy
from tests.live.models import save_auto_bidder

ENV = "EcomAdsAuto-v0"
KINDS = {
    "one bid": {},
    "a bid per slot": {"bids": "per_slot", "control": "absolute"},
    "another market": {"preset": "biased", "impressions": 200_000, "bundle": 10},
}


@pytest.fixture(scope="module", params=KINDS)
def trained(request, tmp_path_factory):
    """Return task, SB3 policy and exported bidder."""
    return _make(tmp_path_factory.mktemp("bidder"), KINDS[request.param])


@pytest.fixture(scope="module")
def bidder(tmp_path_factory):
    return _make(tmp_path_factory.mktemp("bidder"), {})[2]


def _make(folder, kwargs):
    run = save_auto_bidder(folder, **kwargs)
    export(run, folder / "out", ENV, checked=300, **kwargs)
    task = make_task(ENV, **kwargs)
    return task, load_policy(run, task), Bidder.load(folder / "out")


def play(task, policy, seed, scale):
    """Return a simulated day: opening, and of every tick the log multipliers and the report on it."""
    loop = StepLoop(task, 1, keep_last_frame=True)
    observation = loop.reset(seed)
    params, tracked = task.params, loop.state.tracked
    opening = {
        "budget": int(tracked.budget[0]) / 1e6 * scale,
        "target": float(tracked.target[0]),
        "multiplier": math.exp(float(tracked.log_multiplier[0, 0])),
        "auctions_per_day": params.auctions * params.bundle * scale,
    }
    ticks = []
    for tick in range(task.horizon):
        left = int(loop.state.tracked.left[0])
        action = policy.predict(observation, deterministic=True)[0]
        observation = loop.step(action).observation
        state, outcome = loop.last_frame
        impressions = float(outcome.auctions[0]) * params.bundle * scale
        report = TickReport(
            impressions=impressions,
            wins=float(outcome.wins[0]) * params.bundle * scale,
            spend=(left - int(state.tracked.left[0])) / 1e6 * scale,
            conversions=float(outcome.conversions[0]) * scale,
            value=float(outcome.predicted[0]) / params.conversion_rate * scale,
            offered_value=float(outcome.mean_value[0]) / params.rate * impressions,
            tick=tick,
        )
        ticks.append((state.tracked.log_multiplier[0].tolist(), report))
    return opening, ticks


@pytest.mark.parametrize("scale", [1.0, 300.0, 7.3])
def test_a_simulated_day_is_bid_for_as_in_the_simulator(trained, scale):
    task, policy, live = trained
    opening, ticks = play(task, policy, 5, scale)
    day, report = live.open(day="2026-11-27", **opening), None
    for number, (log_multipliers, following) in enumerate(ticks):
        day = live.restore(json.loads(json.dumps(day.to_record())))
        bid = day.bid(report)
        found = bid.slots or (bid.multiplier,) * 3
        assert [math.log(each) for each in found] == pytest.approx(log_multipliers, abs=1e-5)
        assert (bid.slots is None) == (task.bids == "one")
        assert (bid.tick, bid.reason) == (number, None if day.left else "the budget is spent")
        assert bid.cpm == pytest.approx(
            1000 * bid.multiplier * opening["target"] * task.params.conversion_rate, rel=1e-6
        )
        report = following


def test_a_report_without_values_is_completed_and_said(bidder):
    day = bidder.open(3000.0, target=9.0)
    day.bid()
    reason = day.bid(TickReport(impressions=4_000, wins=900, spend=2.0, conversions=1)).reason
    assert "the report holds no value: estimated from the win rate" in reason
    assert "the report holds no offered_value: impressions are taken to be of mean value" in reason


def test_a_missing_report_holds_the_bids_and_ticks_left_out_are_said(bidder):
    day = bidder.open(3000.0, target=9.0)
    held = [day.bid() for _ in range(3)]
    assert len({bid.multiplier for bid in held}) == 1
    assert "no report of tick 0: the multiplier is held" in held[1].reason
    bid = day.bid(TickReport(impressions=4_000, wins=900, spend=2.0, value=900, offered_value=4e3, tick=2))
    assert bid.reason == "no report of tick 0, 1: counted as tick 2 was"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"budget": 3000.0}, "target must be given: this policy of EcomAdsAuto-v0 bids by a target cost"),
        ({"budget": 3000.0, "target": 0.0}, "target must be > 0"),
        ({"budget": 3000.0, "target": 900.0}, r"target must be in \[6, 13\] money per conversion, got 900"),
        ({"budget": 0.0, "target": 9.0}, "budget must be > 0"),
        (
            {"budget": 3e6, "target": 9.0, "auctions_per_day": 5e5},
            r"budget must be in \[2000, 4850\], those of the training for so many auctions, got 3e\+06",
        ),
    ],
)
def test_a_day_checks_its_opening(bidder, arguments, message):
    with pytest.raises(ValueError, match=message):
        bidder.open(**arguments)


def test_a_target_and_a_budget_beyond_the_training_are_said_with_every_bid(bidder):
    reason = bidder.open(6000.0, target=20.0, auctions_per_day=5e5).bid().reason
    assert "trained on other budgets: budget must be in [2000, 4850]" in reason
    assert "trained on other targets: target must be in [6, 13] money per conversion, got 20" in reason


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"spend": 500.0}, r"spend of tick 0 must be <= .*wins at the highest bid"),
        ({"spend": 1e-4}, r"spend of tick 0 must be >= .* which unit is it in\?"),
        ({"impressions": 1e7}, r"impressions of tick 0 must be <= .*auctions_per_day"),
        ({"value": 1e6}, r"value of tick 0 must be <= "),
    ],
)
def test_a_report_that_can_not_be_right_is_refused(bidder, changes, message):
    day = bidder.open(3000.0, target=9.0)
    day.bid()
    good = {"impressions": 4_000, "wins": 900, "spend": 2.0, "value": 900.0, "offered_value": 4_000.0}
    with pytest.raises(ValueError, match=message):
        day.bid(TickReport(**{**good, **changes}))
    assert day.bid(TickReport(**good)).reason is None
