"""Logs that do not tell all parameters: a default that is said, or one line; never a wrong number."""

from dataclasses import replace
from datetime import date, timedelta

import gymnasium
import numpy as np
import pandas as pd
import pytest

from sb3_ecom.__main__ import main
from sb3_ecom.envs.inventory.calibration import calibrate as calibration
from sb3_ecom.envs.inventory.calibration.fit import fit_demand
from sb3_ecom.envs.inventory.calibration.sales_calendar import covers_year, find_open_days
from sb3_ecom.envs.inventory.shop.presets import load_preset

FIRST = date(2023, 1, 2)


def calibrate(tmp_path, units, *more):
    """Write a log of (items, days) units, run the command; return its exit code and the preset's place."""
    item, day = np.nonzero(units)
    rows = {
        "date": [str(FIRST + timedelta(days=int(each))) for each in day],
        "sku": [f"sku-{each}" for each in item],
        "quantity": units[item, day].astype(int),
    }
    log, out = tmp_path / "sales.csv", tmp_path / "shop.toml"
    out.unlink(missing_ok=True)
    pd.DataFrame(rows).to_csv(log, index=False)
    command = ["calibrate", "inventory", str(log), "--out", str(out), "--replicates", "2"]
    return main([*command, "--min-sale-days", "2", *more]), out


def assert_holds_or_is_refused(code, out, units, error):
    """Check that a preset plays with the log's mean, or that there is none and one line says why."""
    if code == 2:
        assert error.strip().count("\n") == 0
        assert not out.exists()
        return
    assert code == 0
    demand = load_preset(str(out))
    logged = units.sum(axis=1).mean() / units.shape[1]
    assert logged / 2 < np.mean(demand.mean) < 2 * logged
    assert np.abs(demand.season).max() < 2
    env = gymnasium.make("EcomInventory-v0", preset=str(out))
    observation, _ = env.reset(seed=0)
    for _ in range(20):
        assert np.isfinite(observation).all()
        observation, reward, *_ = env.step(env.action_space.sample())
        assert np.isfinite(reward)


@pytest.mark.parametrize("items", [1, 5])
@pytest.mark.parametrize("days", [30, 60, 90, 200])
def test_a_plain_poisson_log_keeps_its_mean_and_gets_no_season(tmp_path, capsys, days, items):
    units = np.random.default_rng(days).poisson(5.0, (items, days)).astype(float)
    code, out = calibrate(tmp_path, units)
    printed = capsys.readouterr()
    assert_holds_or_is_refused(code, out, units, printed.err)
    assert code == (2 if days < 56 else 0)
    if days < 56:
        assert "needs at least 56" in printed.err
        return
    demand = load_preset(str(out))
    assert demand.season == (0, 0, 0, 0)
    assert np.mean(demand.mean) == pytest.approx(units.mean(), rel=0.1)
    for text in (printed.out, (tmp_path / "shop_report.md").read_text(), out.read_text()):
        assert "season is not fitted" in text


def random_units(generator, days):
    items = int(generator.choice([1, 2, 5, 12]))
    level = np.exp(generator.uniform(np.log(0.1), np.log(60), (items, 1)))
    shape = float(np.exp(generator.uniform(np.log(0.1), np.log(10))))
    rate = level * generator.gamma(shape, 1 / shape, (items, days))
    rate *= generator.choice([np.ones(days), np.linspace(0.1, 3, days), np.linspace(3, 0.1, days)])
    units = generator.poisson(rate).astype(float)
    weekday = np.arange(days) % 7
    units[:, weekday >= generator.choice([5, 6, 7])] = 0  # closed weekdays
    units[:, generator.random(days) < generator.choice([0, 0.05, 0.4])] = 0  # closed days
    return units * generator.choice([1, 1, 12])  # sold in packs


def check_random_logs(tmp_path, capsys, seeds):
    written = 0
    for seed in seeds:
        generator = np.random.default_rng(seed)
        units = random_units(generator, int(generator.integers(20, 420)))
        code, out = calibrate(tmp_path, units, "--min-customers", "1", "--bulk-quantile", "1")
        sold = units[:, units.sum(axis=0) > 0]
        if code == 0:  # hold it against the log that was used: from first to last sale, items that are kept
            kept = load_preset(str(out)).items
            days = np.flatnonzero(units.sum(axis=0) > 0)
            units = units[:, days[0] : days[-1] + 1]
            if kept != len(units):
                capsys.readouterr()
                continue
            written += 1
        assert sold.size or code == 2
        assert_holds_or_is_refused(code, out, units, capsys.readouterr().err)
    assert written


def test_random_short_logs_hold_or_are_refused(tmp_path, capsys):
    check_random_logs(tmp_path, capsys, range(8))


@pytest.mark.slow
def test_many_random_short_logs_hold_or_are_refused(tmp_path, capsys):
    check_random_logs(tmp_path, capsys, range(100, 300))


def test_less_than_eight_weeks_are_refused_by_the_fit_too():
    with pytest.raises(ValueError, match="units must hold >= 56 days, got 55"):
        fit_demand(np.ones((2, 55)), np.ones(2), FIRST)


def test_a_mean_off_by_a_factor_of_two_writes_nothing(tmp_path, capsys, monkeypatch):
    planted = fit_demand(np.full((2, 60), 5.0), np.ones(2), FIRST, replicates=0)
    wrong = replace(planted, demand=replace(planted.demand, mean=(15.0, 15.0)))
    monkeypatch.setattr(calibration, "fit_demand", lambda *arguments, **options: wrong)
    code, out = calibrate(tmp_path, np.full((2, 60), 5.0))
    assert code == 2
    assert "nothing was written: units a day, all items is 10 in the log" in capsys.readouterr().err
    assert not out.exists()


def test_a_trend_is_no_drift_of_unbounded_memory():
    units = np.random.default_rng(0).poisson(8 * np.linspace(0.1, 3, 90), (5, 90)).astype(float)
    fit = fit_demand(units, np.ones(5), FIRST, replicates=3)
    assert fit.demand.persistence <= np.exp(-4 / 90) + 1e-9
    assert "season is not fitted" in fit.notes[0]


def test_days_without_a_sale_of_one_slow_item_are_no_closed_days():
    units = np.random.default_rng(1).poisson(0.4, (1, 400)).astype(float)
    fit = fit_demand(units, np.ones(1), FIRST, replicates=0)
    assert fit.demand.mean[0] == pytest.approx(units.mean(), rel=0.1)


def test_slow_items_do_not_close_a_weekday():
    units = np.zeros((1, 84))
    units[0, ::8] = 1.0  # every eighth day: each weekday is met once or twice
    weekday = np.arange(84) % 7
    _, trading = find_open_days(units, weekday)
    assert trading.all()
    fit = fit_demand(units, np.ones(1), FIRST, replicates=0)
    assert fit.demand.weekday == (1,) * 7
    assert any("weekday is not fitted" in note for note in fit.notes)


def test_closed_weekdays_and_holidays_of_a_shop_that_sells_are_closed():
    units = np.random.default_rng(2).poisson(3.0, (5, 400)).astype(float)
    weekday = np.arange(400) % 7
    units[:, weekday == 6] = 0
    units[:, 200:210] = 0
    open_days, trading = find_open_days(units, weekday)
    assert trading.tolist() == [True] * 6 + [False]
    assert not open_days[200:210].any()


def test_a_year_is_covered_up_to_a_month():
    assert covers_year(np.arange(365))
    assert covers_year(np.r_[np.arange(10, 350)])
    assert not covers_year(np.arange(320))
    assert not covers_year(np.r_[np.arange(100), np.arange(140, 365)])
