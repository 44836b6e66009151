"""Fitting: recover what made a log, hold the statistics of the real logs, refuse broken ones."""

import itertools
from dataclasses import asdict, replace

import numpy as np
import pandas as pd
import pytest

from sb3_ecom.__main__ import main
from sb3_ecom.core.arrays import NumpyBackend
from sb3_ecom.core.tables.times import TimeReading
from sb3_ecom.envs.advertising.calibration.calibrate import calibrate, correct_median
from sb3_ecom.envs.advertising.calibration.fidelity import price_statistics, report, simulate_market
from sb3_ecom.envs.advertising.calibration.fit import fit_prices, fit_response, fit_traffic
from sb3_ecom.envs.advertising.calibration.tables import Fit
from sb3_ecom.envs.advertising.pacing.dynamics import price_level
from sb3_ecom.envs.advertising.pacing.env import PacingTask
from sb3_ecom.envs.advertising.pacing.replay import replay_market


def test_fit_recovers_the_simulator_within_its_standard_errors():
    task = PacingTask(price_day_sd=0.2, price_ar=0.85, price_ar_sd=0.25, price_jitter_sd=0.1)
    series, counts = simulate_market(task, 250, seed=5)
    fitted, levels = fit_prices(series)
    for name in ("price_day_sd", "price_ar_sd", "price_ar", "price_jitter_sd"):
        slack = 3.5 * fitted[name].stderr + 0.03  # a tick is not an hour: its means are a little smoother
        assert fitted[name].value == pytest.approx(getattr(task.params, name), abs=slack), name
    truth = np.log(task.params.price_profile)
    # The log level of an hour is the mean of two half-hour ticks, interpolated.
    assert np.abs(np.log(levels) - (truth - truth.mean())).max() < 0.12
    profile = np.array(task.params.traffic_profile)
    np.testing.assert_allclose(fit_traffic(np.arange(24), counts), profile / profile.mean(), atol=0.08)


def test_response_fit_recovers_a_beta_binomial():
    g = np.random.default_rng(1)
    shown = g.integers(200, 5000, 600).astype(float)
    clicks = g.binomial(shown.astype(int), g.beta(1.2, 30.0, 600)).astype(float)
    fitted = fit_response(clicks, shown)
    assert fitted["value_alpha"].value == pytest.approx(1.2, abs=4 * fitted["value_alpha"].stderr)
    assert fitted["value_beta"].value == pytest.approx(30.0, abs=4 * fitted["value_beta"].stderr)
    assert 0.02 < fitted["value_alpha"].stderr < 0.2


@pytest.mark.parametrize("exchange", [3, 2])
def test_default_presets_hold_every_statistic_of_their_logs(exchange, shared):
    logs = [
        shared / f"data/ads_nab_adexchange/exchange-{exchange}_cpm.csv",
        shared / "data/ads_avito_traffic_share/traffic_share.parquet",
        shared / "data/ads_adwords_keywords/adwords_dev.parquet",
    ]
    params, found = calibrate(logs)
    preset = PacingTask(f"exchange{exchange}").params
    for name in found.source:
        np.testing.assert_allclose(getattr(preset, name), getattr(params, name), rtol=2e-3, atol=1e-4)
    lines = report(PacingTask(f"exchange{exchange}"), found.observed, found.errors, found.shown)
    assert len(lines) == 14
    # Keywords with many impressions respond less than others, and a few respond a lot: not in a beta law.
    apart = [line.name for line in lines if not line.agrees]
    assert set(apart) <= {"response of all impressions", "response sd"}
    assert all(line.reason for line in lines if not line.agrees)


def test_noisy_click_rates_are_held_against_noisy_ones(shared):
    params, found = calibrate([shared / "cases/logs/ads_beta30.csv"])
    lines = {
        line.name: line
        for line in report(PacingTask(**asdict(params)), found.observed, found.errors, found.shown)
    }
    mean = lines["response mean"]
    assert mean.observed == pytest.approx(0.0209, abs=1e-4)
    assert mean.verdict == lines["response sd"].verdict == lines["response p90"].verdict == "agrees"
    assert lines["response median"].verdict == "not enough data"  # 0 against 0
    assert not [line.name for line in lines.values() if line.verdict == "differs"]


def test_a_wrong_law_of_click_rates_is_reported_as_differing(shared):
    params, found = calibrate([shared / "cases/logs/ads_beta30.csv"])
    wrong = replace(params, value_beta=params.value_beta * 1.5)
    lines = report(PacingTask(**asdict(wrong)), found.observed, found.errors, found.shown)
    assert {line.name for line in lines if line.verdict == "differs"} >= {"response mean"}


def test_the_simulated_median_price_is_the_logs():
    """The log's median is of hours, the parameter's of ticks."""
    truth = PacingTask(price_day_sd=0.1, price_ar=0.5, price_ar_sd=0.2, price_jitter_sd=0.6)
    series, _ = simulate_market(truth, 250, seed=5)
    start = replace(truth.params, price_median=float(np.median(series.price)))
    found = Fit(
        source={"price_median": "x"}, stderr={"price_median": 0.01}, observed=price_statistics(series)
    )
    mended = correct_median(start, found)
    assert start.price_median > 1.04 * truth.params.price_median
    assert mended.price_median == pytest.approx(truth.params.price_median, rel=0.02)
    assert "over 1." in found.notes[-1]


@pytest.mark.parametrize(
    ("campaign", "log_mean", "log_sd"),
    [(1458, 3.93, 0.84), (2259, 4.11, 1.04), (2821, 4.07, 1.04), (2997, 3.64, 1.09)],
)
def test_ipinyou_presets_have_the_published_prices(campaign, log_mean, log_sd):
    """Over all auctions of many days; the preset once put the published median where a mean belongs."""
    task = PacingTask(f"ipinyou{campaign}")
    source, days = NumpyBackend(np.random.default_rng(3)), 400
    hidden = task.start(task.draw_reset(source, days))[0]
    logs = []
    for market, batch in replay_market(task, hidden, source):
        level = price_level(market, task.params, task.tables.hidden)
        logs.append(batch.price_noise + np.repeat(level, batch.counts))
    logs = np.concatenate(logs)
    # The day's level is shared by all its auctions: 400 days, not 8 million auctions.
    assert logs.mean() == pytest.approx(log_mean, abs=4 * 0.25 / np.sqrt(days))
    assert logs.std() == pytest.approx(log_sd, rel=0.02)


def write(path, **columns):
    pd.DataFrame(columns).to_csv(path, index=False)
    return path


def hours(n):
    return pd.date_range("2024-01-01", periods=n, freq="h").astype(str)


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        (
            {"time": hours(96), "cpm": [1.0] * 95 + [-0.5]},
            r"price must be >= 0, 1 rows are below .first: row 96",
        ),
        (
            {"time": hours(96), "cpm": [np.nan] * 56 + [1.0] * 40},
            "58% of the rows do not parse.*price is missing",
        ),
        ({"time": hours(30), "cpm": np.ones(30)}, "at least 3 days"),
        ({"colour": ["red"]}, "holds nothing to fit|no column"),
        ({"hour": [1, 2], "impressions": [5, 5]}, "hour 0 has no traffic"),
        ({"hour": [1, 25], "impressions": [5, 5]}, r"hours must be in \[0, 23\], 1 are not .first: row 2"),
        ({"keyword": list("abcdefghijkl"), "impressions": [1] * 12, "clicks": [2] * 12}, "clicks must be in"),
    ],
)
def test_bad_logs_are_refused_with_what_to_mend(tmp_path, columns, message):
    with pytest.raises(ValueError, match=message):
        calibrate([write(tmp_path / "log.csv", **columns)])


def test_empty_log_is_refused(tmp_path):
    (tmp_path / "log.csv").write_text("time,cpm\n")
    with pytest.raises(ValueError, match="is empty"):
        calibrate([tmp_path / "log.csv"])


def test_command_writes_a_preset_that_the_task_takes(tmp_path, capsys):
    g = np.random.default_rng(0)
    log = write(tmp_path / "log.csv", time=hours(240), cpm=g.lognormal(1.0, 0.3, 240), requests=np.ones(240))
    assert main(["calibrate", "advertising", str(log), "--out", str(tmp_path / "market.toml")]) == 0
    assert "price log-sd" in capsys.readouterr().out
    assert (tmp_path / "market_report.md").read_text().startswith("# Fidelity report")
    text = (tmp_path / "market.toml").read_text()
    assert "fitted to log.csv, s.e." in text
    task = PacingTask(str(tmp_path / "market.toml"))
    assert task.params.price_median == pytest.approx(np.e, rel=0.1)


def subsets(names):
    return [(), *((name,) for name in names), *itertools.combinations(names, 2), tuple(names)]


OPTIONAL = ("hour", "cost", "traffic", "clicks", "conversions", "unit")


@pytest.mark.parametrize("absent", subsets(OPTIONAL), ids=lambda names: "+".join(names) or "none")
def test_every_optional_column_may_be_absent(tmp_path, absent):
    g = np.random.default_rng(0)
    shown = g.integers(500, 2000, 240)
    columns = {
        "time": hours(240),
        "impressions": shown,
        "hour": np.arange(240) % 24,
        "cost": shown * g.lognormal(1, 0.3, 240) / 1000,
        "traffic": shown * 3,
        "clicks": g.binomial(shown, g.beta(2, 60, 240)),
        "unit": np.arange(240) % 12,
    }
    columns["conversions"] = columns["clicks"] // 5
    kept = {name: values for name, values in columns.items() if name not in absent}
    names = {name: name for name in ("traffic", "unit") if name in kept}
    _, found = calibrate([write(tmp_path / "log.csv", **kept)], names=names)
    assert "traffic_profile" in found.source
    assert ("price_median" in found.source) == ("cost" not in absent)
    assert ("conversion_rate" in found.source) == (not {"clicks", "conversions"} & set(absent))
    assert ("value_beta" in found.source) == (not {"clicks", "conversions"} <= set(absent))


@pytest.mark.parametrize(
    ("name", "unit", "factor"),
    [
        ("cost", None, 1),
        ("spend", "total", 1),
        ("cpm", None, "mille"),
        ("price", "impression", "one"),
        ("cost", "click", "click"),
    ],
)
def test_every_unit_gives_the_price_of_1000_impressions(tmp_path, name, unit, factor):
    shown, clicks = np.arange(96) % 7 * 100 + 500.0, np.arange(96) % 5 + 5.0
    mille = 2.0 + np.arange(96) % 23 / 24
    values = {
        1: mille * shown / 1000,
        "mille": mille,
        "one": mille / 1000,
        "click": mille * shown / 1000 / clicks,
    }
    log = write(
        tmp_path / "log.csv", time=hours(96), impressions=shown, clicks=clicks, **{name: values[factor]}
    )
    params, found = calibrate([log], price_unit=unit)
    assert params.price_median == pytest.approx(np.median(mille), rel=0.02)
    assert any("took column" in note and repr(name) in note for note in found.notes)


def test_a_cost_without_impressions_is_asked_for(tmp_path):
    log = write(tmp_path / "log.csv", time=hours(96), cost=np.arange(96) % 7 + 0.5)
    with pytest.raises(
        ValueError, match=r"'cost' may be a price or a sum.*type --price-unit mille, impression, click"
    ):
        calibrate([log])
    assert calibrate([log], price_unit="mille")[0].price_median == pytest.approx(3.5)
    with pytest.raises(ValueError, match="--price-unit click needs --clicks and --impressions"):
        calibrate([log], price_unit="click")


def test_hourly_spend_of_a_campaign_gives_ecpm_and_rates(shared):
    params, found = calibrate([shared / "cases/logs/hourly_spend.csv"])
    assert params.price_median == pytest.approx(0.695, abs=0.03)
    frame = pd.read_csv(shared / "cases/logs/hourly_spend.csv")
    assert params.conversion_rate == pytest.approx(frame["conversions"].sum() / frame["impressions"].sum())
    mean = params.value_alpha / (params.value_alpha + params.value_beta)
    assert mean == pytest.approx(frame["clicks"].sum() / frame["impressions"].sum())
    assert any("name their column with --unit" in note for note in found.notes)


def test_a_log_without_a_click_is_refused_in_one_line(shared, capsys, tmp_path):
    out = tmp_path / "market.toml"
    assert main(["calibrate", "advertising", str(shared / "cases/logs/ads_k0.csv"), "--out", str(out)]) == 2
    error = capsys.readouterr().err
    assert "column 'clicks' holds no click at all" in error
    assert error.count("\n") == 1
    assert not list(tmp_path.iterdir())


def test_hours_are_those_of_the_local_clock(tmp_path):
    utc = pd.date_range("2024-01-01", periods=240, freq="h", tz="UTC")
    local = utc.tz_convert("Asia/Tokyo")
    shown = 100.0 + local.hour
    texts = [time.isoformat() for time in local]
    offset, _ = calibrate([write(tmp_path / "a.csv", time=texts, impressions=shown)])
    reading = TimeReading(local=True, timezone="Asia/Tokyo")
    zone, _ = calibrate([write(tmp_path / "b.csv", time=utc.astype(str), impressions=shown)], times=reading)
    naive, _ = calibrate(
        [write(tmp_path / "c.csv", time=local.tz_localize(None).astype(str), impressions=shown)]
    )
    assert offset.traffic_profile == zone.traffic_profile == naive.traffic_profile
    assert np.argmax(offset.traffic_profile) == 23


def test_order_of_rows_and_stray_dates_do_not_matter(tmp_path):
    g = np.random.default_rng(0)
    time, price = hours(240), g.lognormal(0, 0.3, 240)
    sound, _ = calibrate([write(tmp_path / "a.csv", time=time, cpm=price)])
    shuffled = g.permutation(241)
    more = {"time": np.array([*time, "2034-01-01 00:00:00"])[shuffled], "cpm": np.r_[price, 9.0][shuffled]}
    mended, found = calibrate([write(tmp_path / "b.csv", **more)])
    assert mended == sound
    assert any("left out 1 rows of stray dates" in note for note in found.notes)


def test_a_missing_price_costs_no_traffic(tmp_path):
    shown = np.arange(240) % 24 + 1.0
    price = np.where(np.arange(240) % 3, 2.0, np.nan) + np.arange(240) % 5
    params, found = calibrate([write(tmp_path / "log.csv", time=hours(240), cpm=price, impressions=shown)])
    np.testing.assert_allclose(params.traffic_profile, np.arange(1, 25) / 12.5, atol=1e-3)
    assert any("price is missing in 80 (first: row 1) rows" in note for note in found.notes)


def test_prices_that_never_change_are_refused_in_plain_words(tmp_path):
    with pytest.raises(ValueError, match="prices of 96 hours can not be fitted: they must vary"):
        calibrate([write(tmp_path / "log.csv", time=hours(96), cpm=np.ones(96))])
