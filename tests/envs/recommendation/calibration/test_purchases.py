from dataclasses import replace

import numpy as np
import pytest

from sb3_ecom.envs.recommendation.calibration import purchases
from sb3_ecom.envs.recommendation.calibration.purchases import match_purchases, simulated_share
from sb3_ecom.envs.recommendation.session.params import Catalogue, SessionParams


def make_params(n=12, d=2, seed=0):
    rng = np.random.default_rng(seed)
    share = np.full(n, 1 / n)
    catalogue = Catalogue(
        item_ids=tuple(f"item {j}" for j in range(n)),
        category=np.arange(n) % 3,
        price=rng.uniform(5, 50, n),
        entry_share=share,
        popularity=share,
        quality=rng.normal(size=n),
        item_factors=rng.normal(size=(n, d)),
        click_update=rng.normal(size=(n, d)) * 0.3,
        start=rng.normal(size=(n, d)),
        retention=np.full((12, 2), 0.3),
        exit_effect=rng.normal(size=n) * 0.1,
    )
    return SessionParams(catalogue=catalogue)


def test_the_simulated_share_of_purchases_is_the_logs():
    planted = replace(make_params(), buy_base=-2.0)
    share = simulated_share(planted, seed=1)
    found, stderr = match_purchases(make_params(), share, clicks=5000, seed=2)
    simulated_clicks = 5000
    assert abs(found.buy_base + 2.0) < 4 / np.sqrt(simulated_clicks * share * (1 - share))
    assert stderr == pytest.approx(1 / np.sqrt(5000 * share * (1 - share)))


@pytest.mark.parametrize("share", [0.0, 1.0, float("nan")])
def test_a_share_outside_0_and_1_is_refused(share):
    with pytest.raises(ValueError, match=r"purchases per click must be in \(0, 1\)"):
        match_purchases(make_params(), share, clicks=10)


def test_purchases_too_rare_to_simulate_are_extrapolated(monkeypatch):
    """As in a shop where the logit of a purchase is buy_base + 1, and 20,000 clicks are simulated."""

    def count(params, seed, sessions):
        assert sessions <= 20_000
        return round(20_000 / (1 + np.exp(-params.buy_base - 1))) / 20_000

    monkeypatch.setattr(purchases, "simulated_share", count)
    rare, error = match_purchases(make_params(), 2e-5, 100_000)
    assert rare.buy_base == pytest.approx(np.log(2e-5) - 1, abs=0.2)
    assert np.isfinite(error)


def test_rare_purchases_are_matched_within_a_factor_of_two():
    params, _ = match_purchases(make_params(), 2e-3, 10_000)
    assert 1e-3 < simulated_share(params, seed=3, sessions=10_000) < 4e-3


def test_a_share_that_is_not_met_is_refused(monkeypatch):
    monkeypatch.setattr(purchases, "simulated_share", lambda *arguments: 0.5)
    with pytest.raises(ValueError, match=r"nothing was written: 0\.01 purchases per click .* but 0\.5 where"):
        match_purchases(make_params(), 0.01, 1000)
