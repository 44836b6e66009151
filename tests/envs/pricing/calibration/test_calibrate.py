"""`calibrate pricing` recovers what made a log, and refuses what a log can not tell."""

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

import sb3_ecom
from sb3_ecom.__main__ import main
from sb3_ecom.core.arrays import NumpyBackend
from sb3_ecom.envs.pricing.calibration.fit import fit_season
from sb3_ecom.envs.pricing.calibration.price_log import read_prices
from sb3_ecom.envs.pricing.calibration.sensitivity import instrumented, product_effects, two_way
from sb3_ecom.envs.pricing.season.env import SeasonTask
from sb3_ecom.envs.pricing.season.presets import load_preset, load_product_ids

TRUE = {
    "price": (20.0, 30.0, 40.0),
    "appeal": (-1.0, -1.4, -1.8),
    "stock": (100_000,) * 3,
    "periods": 13,
    "visitors": 300.0,
    "level_sd": 0.3,
    "level_drift": 0.05,
    "sensitivity": 2.5,
    "sensitivity_sd": 0.0,
    "sensitivity_drift": 0.0,
}


def simulated_log(seasons=24, spread=0.25, seed=0, **changes):
    """Sales of a shop that sets prices at random, week after week, simulated by the environment itself."""
    task = SeasonTask(**{**TRUE, **changes})
    source = NumpyBackend(np.random.default_rng(seed))
    state = task.initial_state(task.draw_reset(source, seasons))
    week, rows = pd.Timestamp("2018-01-01"), []
    k = task.params.products
    for period in range(task.horizon):
        factor = np.exp(spread * source.generator.standard_normal((seasons, k))).astype(np.float32)
        factor = np.clip(factor, 0.55, 2.0)
        state, outcome = task.step(state, task.to_action(factor), task.draw_step(source, seasons))
        price = task.step_info(outcome)["price"]
        for season in range(seasons):
            day = week + pd.Timedelta(weeks=season * task.horizon + period)
            for item in range(k):
                rows.append((str(day.date()), f"sku{item}", price[season, item], outcome.sales[season, item]))
    return pd.DataFrame(rows, columns=["date", "sku", "price", "quantity"])


@pytest.fixture(scope="module")
def log(tmp_path_factory):
    path = tmp_path_factory.mktemp("log") / "sales.csv"
    simulated_log().to_csv(path, index=False)
    return path


def test_what_made_the_log_is_recovered(log):
    fit = fit_season(read_prices(log), season=13, visitors=300.0)
    found, error = fit.params, fit.errors["sensitivity"]
    reference = np.asarray(found.price) / TRUE["price"]  # mean prices need not be the reference prices
    assert 0 < error < 0.1
    slope = 2.5 * reference.mean()
    assert found.sensitivity == pytest.approx(slope, abs=3 * error + 0.05)
    mean_units = np.asarray(found.stock) / 13
    again = np.exp(found.appeal) / (1 + np.exp(found.appeal).sum()) * found.visitors
    np.testing.assert_allclose(again, mean_units, rtol=0.15)
    assert found.level_sd == pytest.approx(0.3, abs=0.12)
    assert found.level_drift < 0.1
    assert found.sensitivity_sd < 0.15


def test_visitors_are_fitted_to_how_sales_in_all_answer_to_prices(log):
    fit = fit_season(read_prices(log), season=13)
    assert fit.params.visitors == pytest.approx(300.0, rel=0.25)
    assert any("share of visitors who buy was fitted" in note for note in fit.notes)


def test_a_spread_of_sensitivities_is_told_from_the_error_of_their_estimates(tmp_path):
    simulated_log(seed=3, sensitivity_sd=0.4).to_csv(tmp_path / "log.csv", index=False)
    fit = fit_season(read_prices(tmp_path / "log.csv"), season=13, visitors=300.0)
    assert fit.params.sensitivity_sd == pytest.approx(0.4, abs=0.15)


def test_standard_errors_are_those_of_repeated_logs():
    source, found = np.random.default_rng(0), []
    factor = np.exp(0.2 * source.standard_normal((60, 3)))
    for _ in range(200):
        level = 40 * np.exp(0.5 * source.standard_normal((60, 1)))
        found.append(two_way(source.poisson(level * np.exp([0.0, -0.5, 0.2] - 2.0 * (factor - 1))), factor))
    values, errors = np.array([(each.value, each.standard_error) for each in found]).T
    assert values.mean() == pytest.approx(2.0, abs=4 * values.std() / np.sqrt(200))
    assert np.median(errors) == pytest.approx(values.std(), rel=0.2)


def confounded(seed=0, periods=200):
    """Prices that follow demand: what makes a product wanted in a week also makes it dear."""
    source = np.random.default_rng(seed)
    wish, cost = source.standard_normal((2, periods, 3))
    factor = np.exp(0.1 * wish + 0.1 * cost)
    units = source.poisson(80 * np.exp(-2.0 * (factor - 1) + 0.4 * wish))
    return SimpleNamespace(units=units.astype(float), factor=factor, cost=cost)


def test_an_instrument_undoes_prices_that_follow_demand():
    data = confounded()
    naive = two_way(data.units, data.factor)
    found = instrumented(data.units, data.factor, data.cost)
    assert naive.value < 0.5
    assert found.value == pytest.approx(2.0, abs=3 * found.standard_error)
    assert found.first_stage > 100


def test_a_weak_instrument_is_refused_with_its_strength():
    data = confounded()
    noise = np.random.default_rng(5).standard_normal(data.cost.shape)
    with pytest.raises(ValueError, match="first-stage F"):
        instrumented(data.units, data.factor, noise)


def test_product_effects_use_prices_that_move_together():
    source = np.random.default_rng(1)
    factor = np.repeat(np.exp(0.2 * source.standard_normal((300, 1))), 2, axis=1)
    units = source.poisson(50 * np.exp(-1.5 * (factor - 1)))
    found = product_effects(units.astype(float), factor)
    assert found.value == pytest.approx(1.5, abs=3 * found.standard_error)
    with pytest.raises(ValueError, match="against the others"):
        two_way(units.astype(float), factor)


def calibrate(path, out, *options):
    return main(["calibrate", "pricing", str(path), "--out", str(out), *options])


def test_the_command_writes_a_preset_that_plays_and_a_report(log, tmp_path, capsys):
    out = tmp_path / "mine.toml"
    assert calibrate(log, out, "--visitors", "300", "--keep-item-ids") == 0
    said = capsys.readouterr().out
    assert "price sensitivity" in said
    assert "s.e." in said
    assert "observational" in said
    text = (tmp_path / "mine_report.md").read_text()
    assert "product effects, for comparison" in text
    assert "Prices were not randomised" in text
    assert "differs" not in text.split("What does not agree")[0].replace("differs from", "")
    task = sb3_ecom.spec("EcomPricing-v0").make_task(preset=str(out))
    assert task.params == load_preset(out)
    assert load_product_ids(out) == ("sku0", "sku1", "sku2")
    assert task.params.floor >= 0.5
    result = sb3_ecom.evaluate("EcomPricing-v0", "random", episodes=16, preset=str(out))
    assert result.mean > 0


def test_ids_are_hashed_unless_asked_for(log, tmp_path):
    out = tmp_path / "mine.toml"
    assert calibrate(log, out, "--hash-key", str(tmp_path / "key")) == 0
    assert "sku0" not in out.read_text() + (tmp_path / "mine_report.md").read_text()
    assert len(set(load_product_ids(out))) == 3


@pytest.mark.parametrize(
    ("change", "options", "message"),
    [
        (lambda log: log.assign(price=10.0), (), "no product's price moved"),
        (lambda log: log[log.sku == "sku0"], (), "there is one product"),
        (lambda log: log.assign(quantity=5), (), "standard error"),
        (lambda log: log.assign(quantity=(log.price * 3).round()), (), "demand seems to rise with the price"),
        (lambda log: log[log.date < "2018-02-10"], (), "at least 8"),
        (lambda log: log, ("--visitors", "2"), "--visitors must be > "),
        (lambda log: log, ("--season", "100000"), "--season must be a whole number"),
        (lambda log: log.drop(columns="price"), (), "price"),
    ],
)
def test_what_a_log_can_not_tell_is_refused_and_nothing_written(
    change, options, message, log, tmp_path, capsys
):
    change(pd.read_csv(log)).to_csv(tmp_path / "log.csv", index=False)
    out = tmp_path / "mine.toml"
    assert calibrate(tmp_path / "log.csv", out, *options) == 2
    error = capsys.readouterr().err
    assert message in error
    assert len(error.strip().splitlines()) == 1
    assert not out.exists()
