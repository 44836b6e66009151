"""Logs that do not tell all parameters: a default that is said, or one line; never a wrong number."""

import gymnasium
import numpy as np
import pandas as pd
import pytest

from sb3_ecom.__main__ import main
from sb3_ecom.core.fidelity import check_means, compare
from sb3_ecom.envs.advertising.calibration.calibrate import calibrate
from sb3_ecom.envs.advertising.calibration.fit import fit_prices, fit_response, hourly_series
from sb3_ecom.envs.advertising.pacing.presets import load_preset

START = 1_704_067_200  # 1 January 2024, 00:00


def prices(generator, days, hours=range(24), sd=0.5, level=2.0):
    hour = np.array([24 * day + each for day in range(days) for each in hours])
    return pd.DataFrame(
        {"timestamp": START + 3600 * hour, "cpm": level * np.exp(sd * generator.standard_normal(hour.size))}
    )


def write(tmp_path, frame):
    path = tmp_path / "log.csv"
    frame.to_csv(path, index=False)
    return path


def check_log(tmp_path, capsys, frame):
    """Run the command; return whether it wrote a preset, having held it against the log."""
    out = tmp_path / "market.toml"
    out.unlink(missing_ok=True)
    code = main(["calibrate", "advertising", str(write(tmp_path, frame)), "--out", str(out)])
    error = capsys.readouterr().err.strip()
    if code == 2:
        assert error.count("\n") == 0
        assert not out.exists()
        return False
    assert code == 0
    params = load_preset(str(out))
    if "cpm" in frame:
        assert frame["cpm"].median() / 2 < params.price_median < 2 * frame["cpm"].median()
    if "clicks" in frame:
        rate = frame["clicks"].sum() / frame["impressions"].sum()
        assert rate / 2 < params.value_alpha / (params.value_alpha + params.value_beta) < 2 * rate
    env = gymnasium.make("EcomAds-v0", preset=str(out))
    observation, _ = env.reset(seed=0)
    for _ in range(10):
        assert np.isfinite(observation).all()
        observation, reward, *_ = env.step(env.action_space.sample())
        assert np.isfinite(reward)
    return True


def random_log(generator):
    if generator.random() < 0.5:
        hours = np.sort(generator.permutation(24)[: generator.integers(3, 25)])
        days, sd = int(generator.integers(2, 12)), float(generator.choice([0.05, 0.3, 0.8, 2.0]))
        return prices(generator, days, hours, sd, float(10 ** generator.uniform(-2, 3)))
    units = int(generator.integers(5, 40))
    shown = generator.integers(1, int(10 ** generator.uniform(1, 5)), units)
    rate = float(10 ** generator.uniform(-4, -0.3))
    rates = np.full(units, rate) if generator.random() < 0.5 else generator.beta(1, 1 / rate, units)
    return pd.DataFrame(
        {"keyword": np.arange(units), "impressions": shown, "clicks": generator.binomial(shown, rates)}
    )


def test_random_short_logs_hold_or_are_refused(tmp_path, capsys):
    found = [check_log(tmp_path, capsys, random_log(np.random.default_rng(seed))) for seed in range(8)]
    assert any(found)


@pytest.mark.slow
def test_many_random_short_logs_hold_or_are_refused(tmp_path, capsys):
    found = [check_log(tmp_path, capsys, random_log(np.random.default_rng(seed))) for seed in range(100, 200)]
    assert sum(found) > 30


def test_three_days_of_prices_are_enough_for_a_fit():
    frame = prices(np.random.default_rng(0), 3)
    series = hourly_series(frame["timestamp"].to_numpy(float), frame["cpm"].to_numpy(float))
    fitted, _ = fit_prices(series)
    assert fitted["price_median"].value == pytest.approx(2.0, rel=0.3)
    assert all(np.isfinite(each.stderr) for each in fitted.values())


@pytest.mark.parametrize(("units", "shown", "rate"), [(10, 1000, 0.05), (12, 20, 0.05), (10, 50, 0.5)])
def test_rates_that_do_not_differ_get_a_narrow_law_with_their_mean(tmp_path, units, shown, rate):
    clicks = np.full(units, round(shown * rate))
    law = fit_response(clicks.astype(float), np.full(units, float(shown)))
    alpha, beta = law["value_alpha"].value, law["value_beta"].value
    assert alpha / (alpha + beta) == pytest.approx(rate, rel=1e-6)
    assert np.isnan(law["value_alpha"].stderr)
    frame = pd.DataFrame({"keyword": np.arange(units), "impressions": shown, "clicks": clicks})
    _, found = calibrate([write(tmp_path, frame)])
    assert any("differ no more than by chance" in note for note in found.notes)


def test_hours_without_a_price_are_said(tmp_path):
    _, found = calibrate([write(tmp_path, prices(np.random.default_rng(0), 6, range(8, 20)))])
    assert any("no price at hours 0, 1, 2, 3, 4, 5, 6, 7, 20" in note for note in found.notes)


def test_a_rare_response_keeps_its_mean(tmp_path):
    params, found = calibrate([write(tmp_path, pd.DataFrame({"impressions": [1e6], "clicks": [20]}))])
    assert params.value_alpha / (params.value_alpha + params.value_beta) == pytest.approx(2e-5, rel=1e-3)
    assert any("upper limit" in note for note in found.notes)


def test_parameters_out_of_their_range_are_refused_with_the_log(tmp_path):
    with pytest.raises(ValueError, match=r"log\.csv: the fit lies outside .*give a longer"):
        calibrate([write(tmp_path, prices(np.random.default_rng(0), 5, sd=2.0))])


def test_a_simulated_mean_off_by_a_factor_of_two_is_refused():
    check_means(compare({"a": 1.0, "b": 1.0}, {"a": 1.9, "b": 9.0}), ("a",), "wait")
    with pytest.raises(ValueError, match=r"nothing was written: a is 1 in the log, but 2\.1 .* of 2: .*wait"):
        check_means(compare({"a": 1.0}, {"a": 2.1}), ("a",), "wait")
    with pytest.raises(ValueError, match="nothing was written"):
        check_means(compare({"a": 1.0}, {"a": np.nan}), ("a",), "wait")
