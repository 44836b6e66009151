"""Fitting: recover what made a log, hold the statistics of the real logs, refuse broken ones."""

import numpy as np
import pandas as pd
import pytest

from sb3_ecom.__main__ import main
from sb3_ecom.core.arrays import NumpyBackend
from sb3_ecom.envs.advertising.calibration.calibrate import calibrate
from sb3_ecom.envs.advertising.calibration.fidelity import report, simulate_market
from sb3_ecom.envs.advertising.calibration.fit import fit_prices, fit_response, fit_traffic
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
    lines = report(PacingTask(f"exchange{exchange}"), found.observed)
    assert len(lines) == 11
    assert [line.name for line in lines if not line.holds] == []


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
        ({"time": hours(96), "cpm": [1.0] * 95 + [-0.5]}, "prices must be >= 0, row 96 holds -0.5"),
        ({"time": hours(96)[::-1], "cpm": np.ones(96)}, "times must ascend.*sort the log"),
        (
            {"time": hours(96), "cpm": [np.nan] * 40 + [1.0] * 56},
            "42% of the rows do not parse.*price is missing",
        ),
        ({"time": hours(30), "cpm": np.ones(30)}, "at least 3 days"),
        ({"colour": ["red"]}, "holds nothing to fit|no column"),
        ({"hour": [1, 2], "impressions": [5, 5]}, "hour 0 has no traffic"),
        ({"hour": [1, 25], "impressions": [5, 5]}, r"hours must be in \[0, 23\], got 1 to 25"),
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
    log = write(tmp_path / "log.csv", time=hours(240), cost=g.lognormal(1.0, 0.3, 240), requests=np.ones(240))
    assert main(["calibrate", "advertising", str(log), "--out", str(tmp_path / "market.toml")]) == 0
    assert "price log-sd" in capsys.readouterr().out
    text = (tmp_path / "market.toml").read_text()
    assert "fitted to log.csv, s.e." in text
    task = PacingTask(str(tmp_path / "market.toml"))
    assert task.params.price_median == pytest.approx(np.e, rel=0.1)
