"""Ranking: the auction against one page at a time, its prices against theory, responses by hand."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import integrate, optimize, stats

import sb3_ecom
from sb3_ecom.core.evaluate import random_policy, run_episodes
from sb3_ecom.core.loop import StepLoop
from sb3_ecom.envs.advertising.rank import baselines, oracle
from sb3_ecom.envs.advertising.rank.auction import run_auction
from sb3_ecom.envs.advertising.rank.env import RankTask
from sb3_ecom.envs.advertising.rank.virtual_value import myerson_reserve, virtual_value

EXPOSURE = (1.0, 0.7, 0.5)


def page_by_hand(bids, weights, present, reserve, exposure, vcg):
    """Rank one page's bids; return (slot owner, price per click) from the definitions."""
    ads = [i for i in range(len(bids)) if present[i] and bids[i] >= reserve]
    ads.sort(key=lambda i: -bids[i] * weights[i])
    sold = []
    for slot, ad in enumerate(ads[: len(exposure)]):
        others = [i for i in ads if i != ad]

        def clicks(bid, ad=ad, others=others):
            place = sum(bids[i] * weights[i] > bid * weights[ad] for i in others)
            return exposure[place] if bid >= reserve and place < len(exposure) else 0.0

        rivals = sorted([reserve] + [bids[i] * weights[i] / weights[ad] for i in others])
        steps = [p for p in rivals if reserve <= p <= bids[ad]]
        if vcg:  # Myerson's payment: the integral of b dx(b) over the steps of x
            total, before = 0.0, 0.0
            for p in steps:
                after = clicks(p * (1 + 1e-9))
                total, before = total + p * (after - before), max(before, after)
            price = total / exposure[slot]
        else:
            price = min(p for p in steps if clicks(p * (1 + 1e-9)) >= exposure[slot])
        sold.append((ad, price))
    return sold


@st.composite
def pages(draw):
    n = draw(st.integers(1, 6))
    g = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    pad = max(0, len(EXPOSURE) + 1 - n)
    value = np.append(np.exp(g.normal(0, 1, n)), np.ones(pad))
    weight = np.append(np.exp(g.normal(-2, 0.7, n)), np.ones(pad))
    present = np.append(g.random(n) < 0.8, np.zeros(pad, bool))
    reserve = draw(st.sampled_from([0.0, 0.3, 1.0, 50.0]))
    return value, weight, present, np.asarray(reserve)


@settings(max_examples=150, deadline=None)
@given(pages(), st.booleans(), st.sampled_from([0.0, 0.4, 1.0]))
def test_auction_equals_one_page_by_hand_and_conserves_money(page, vcg, experience):
    value, weight, present, reserve = page
    slots = run_auction(value, weight, present, reserve, EXPOSURE, np.asarray(experience), vcg)
    owners = slots.ad[slots.filled]
    bids = value.copy()
    bids[owners] = slots.bid[slots.filled]
    expected = page_by_hand(bids, weight, present, float(reserve), EXPOSURE, vcg)
    assert [ad for ad, _ in expected] == list(owners)
    np.testing.assert_allclose(slots.price[slots.filled], [p for _, p in expected], rtol=1e-6)
    assert np.all(slots.price <= slots.bid)
    assert np.all(slots.price[~slots.filled] == 0)
    assert np.all(slots.price[slots.filled] >= reserve)
    assert np.all(slots.bid[slots.filled] <= value[owners] * (1 + 1e-12))
    assert present[owners].all()


def test_ties_go_to_the_lower_index_and_pay_their_bid():
    one = np.ones(5)
    slots = run_auction(one * 2, one, one > 0, np.asarray(0.5), EXPOSURE, np.asarray(0.0), False)
    np.testing.assert_array_equal(slots.ad, [0, 1, 2])
    np.testing.assert_array_equal(slots.price, [2, 2, 2])


@settings(max_examples=100, deadline=None)
@given(pages())
def test_vcg_costs_no_more_than_gsp_at_the_same_bids(page):
    vcg, gsp = (run_auction(*page, EXPOSURE, np.asarray(0.0), rule) for rule in (True, False))
    np.testing.assert_array_equal(vcg.ad[vcg.filled], gsp.ad[gsp.filled])
    assert np.all(vcg.price <= gsp.price * (1 + 1e-12))


@pytest.mark.parametrize("seed", range(30))
def test_gsp_at_balanced_bids_pays_vcg(seed):
    """The lowest symmetric equilibrium: x_{i-1} b_i = sum_{t >= i} v_t (x_{t-1} - x_t), weighted too."""
    g = np.random.default_rng(seed)
    value, weight, present = np.exp(g.normal(size=7)), np.exp(g.normal(size=7)), np.ones(7, bool)
    zero, one = np.asarray(0.0), np.asarray(1.0)
    gsp = run_auction(value, weight, present, zero, EXPOSURE, one, False)
    vcg = run_auction(value, weight, present, zero, EXPOSURE, one, True)
    np.testing.assert_allclose(gsp.price, vcg.price, rtol=1e-10)
    flat = np.ones(7)
    reserve = np.asarray(np.median(value))
    gsp, vcg = (run_auction(value, flat, present, reserve, EXPOSURE, one, rule) for rule in (False, True))
    np.testing.assert_allclose(gsp.price, vcg.price, rtol=1e-10)


@pytest.mark.parametrize("seed", range(10))
def test_truth_is_dominant_under_vcg_and_balanced_bids_are_an_equilibrium_of_gsp(seed):
    g = np.random.default_rng(seed)
    value, weight = np.exp(g.normal(size=6)), np.exp(g.normal(size=6))
    present, reserve = np.ones(6, bool), 0.4
    for vcg in (True, False):
        held = 0.0 if not vcg else reserve  # the equilibrium is one without a reserve
        slots = run_auction(value, weight, present, np.asarray(held), EXPOSURE, np.asarray(1.0), vcg)
        bids = value.copy()
        bids[slots.ad[slots.filled]] = slots.bid[slots.filled]

        def utility(ad, bid, vcg=vcg, held=held, bids=bids):
            tried = bids.copy()
            tried[ad] = bid
            sold = page_by_hand(tried, weight, present, held, EXPOSURE, vcg)
            return sum(
                EXPOSURE[slot] * (value[ad] - price)
                for slot, (owner, price) in enumerate(sold)
                if owner == ad
            )

        for ad in range(6):
            best = max(utility(ad, bid) for bid in g.uniform(0, 2 * value.max(), 60))
            assert best <= utility(ad, bids[ad]) + 1e-6


@pytest.mark.parametrize("sd", [0.3, 0.8, 1.5])
def test_virtual_value_is_the_derivative_of_revenue_and_the_reserve_maximises_it(sd):
    law = stats.lognorm(s=sd)
    for v in (0.3, 1.0, 2.5):
        slow = v - law.sf(v) / law.pdf(v)
        assert virtual_value(np.log(np.asarray(v)), 0.0, sd) == pytest.approx(slow, rel=1e-6)
    best = optimize.minimize_scalar(
        lambda r: -np.exp(r) * law.sf(np.exp(r)), bounds=(-6, 6), method="bounded"
    )
    assert myerson_reserve(0.0, sd) == pytest.approx(best.x, abs=2e-3)


def test_myerson_revenue_is_the_integral_for_one_slot_and_bounds_every_constant():
    """One slot and two ads of equal click rate: E max(phi, phi', 0) by quadrature."""
    task = RankTask(
        preset="static", exposure=(1.0,), ads=2, click_sd=0.0, value_correlation=0.0, days=4, visitors=400
    )
    law = stats.lognorm(s=0.8)
    reserve = np.exp(myerson_reserve(0.0, 0.8))
    exact = integrate.quad(
        lambda v: float(virtual_value(np.log(np.asarray(v)), 0.0, 0.8)) * 2 * law.cdf(v) * law.pdf(v),
        reserve,
        60,
        limit=200,
    )[0]
    revenue = oracle.myerson_revenue(task, 64, 5)
    pages_sold = 4 * 400 * task.params.click_rate
    assert revenue.mean() == pytest.approx(exact * pages_sold, abs=4 * revenue.std() / 8)
    # With equal click rates second price above Myerson's reserve is his auction; nothing else earns more.
    grid = oracle.grid_of_constants(task, 64, 5, np.array([-1.0, np.log(reserve), 1.0]), np.array([0.0, 1.0]))
    assert grid[1, 0] == pytest.approx(revenue.mean(), rel=0.01)
    assert grid.max() == grid[1].max()


def test_static_market_is_bounded_by_myerson():
    bound = sb3_ecom.spec("EcomAdsRank-v0").oracle(preset="static", episodes=64)
    assert bound.kind == "bound"
    task = RankTask("static")
    for policy in (baselines.myerson(task), baselines.constant(task, -0.5, 1.0), random_policy(task, 64, 1)):
        earned = run_episodes(StepLoop(task, 64), policy, 0)["expected"]
        assert earned.mean() < bound.value
