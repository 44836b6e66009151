"""The packed tables of a visit hold what the readable equations of `visitor` say."""

import numpy as np
import pytest

from sb3_ecom.envs.recommendation.large.catalogue import as_large
from sb3_ecom.envs.recommendation.large.dynamics import large_tables
from sb3_ecom.envs.recommendation.large.oracle import logit_columns, logit_query
from sb3_ecom.envs.recommendation.session import visitor
from sb3_ecom.envs.recommendation.session.dynamics import (
    Visit,
    VisitNoise,
    attraction,
    choice_weights,
    sale_logits,
    step,
)
from sb3_ecom.envs.recommendation.session.visit_tables import standard, visit_tables
from tests.envs.recommendation.small_shop import small_params

CLOSE = {"rtol": 2e-5, "atol": 2e-5}


@pytest.fixture
def params():
    return small_params(exit_base=-2.0, patience_sd=0.5, buy_base=-0.5, return_base=0.2)


def visits(params, n=300):
    """Return visitors in any mood."""
    rng, items = np.random.default_rng(5), params.catalogue
    mood = np.column_stack(
        [
            rng.integers(0, 30, n),
            rng.random(n),
            rng.normal(0, 1, n),
            rng.gamma(1.0, 1.0, (n, items.num_categories)),
        ]
    ).astype(np.float32)
    taste = rng.normal(0, 1, (n, items.item_factors.shape[1])).astype(np.float32)
    return Visit(taste, mood, rng.integers(0, items.size, n))


def play(params, tables, seed=0):
    """Return a page's slate, visits before and after, outcome and noise."""
    before, rng = visits(params), np.random.default_rng(seed)
    n = len(before.taste)
    slate = np.argsort(rng.random((n, params.catalogue.size)), axis=1)[:, : params.slate_size]
    noise = VisitNoise(rng.random(n, np.float32), *rng.logistic(size=(3, n)).astype(np.float32))
    after, outcome = step(before, slate, noise, params, tables)
    return before, after, outcome, noise


@pytest.mark.parametrize("tables_of", [visit_tables, lambda p: large_tables(p, as_large(p))])
def test_a_page_changes_the_mood_as_the_equations_say(params, tables_of):
    before, after, outcome, noise = play(params, tables_of(params))
    items, clicked = params.catalogue, outcome.clicked > 0
    assert 20 < clicked.sum() < 280
    satisfaction = visitor.after_page(params, before.satisfaction, outcome.clicked)
    np.testing.assert_allclose(after.satisfaction, satisfaction, **CLOSE)
    np.testing.assert_allclose(after.patience, before.patience, **CLOSE)
    np.testing.assert_array_equal(after.page, before.page + 1)
    category = np.eye(items.num_categories)[items.category[outcome.item]]
    tired = visitor.satiation_after_click(params, before.satiation, category)
    np.testing.assert_allclose(after.satiation, np.where(clicked[:, None], tired, before.satiation), **CLOSE)
    taste = visitor.after_click(items.retention[outcome.item], items.click_update[outcome.item], before.taste)
    np.testing.assert_allclose(after.taste, np.where(clicked[:, None], taste, before.taste), **CLOSE)
    reaction = params.exit_effect_scale * items.exit_effect[outcome.item]
    leaving = visitor.leave_logit(
        params, satisfaction, before.patience, np.where(clicked, reaction, params.exit_without_click)
    )
    sure = np.abs(noise.leave - leaving) > 1e-4
    np.testing.assert_array_equal(outcome.left[sure], (noise.leave < leaving)[sure])


def test_the_packed_sale_logits_are_the_equations(params):
    tables, items = visit_tables(params), params.catalogue
    match = np.linspace(-2, 2, items.size)
    price, quality = standard(np.log(items.price)), standard(items.quality)
    packed = sale_logits(tables, tables.outcome[:-1], match)
    np.testing.assert_allclose(packed[:, 0], visitor.purchase_logit(params, price, quality, match), **CLOSE)
    np.testing.assert_allclose(packed[:, 1], visitor.return_logit(params, price, match), **CLOSE)


def test_the_weights_of_a_page_are_the_logits_of_the_whole_catalogue(params):
    tables, visit, items = visit_tables(params), visits(params), params.catalogue
    slate = np.tile(np.arange(params.slate_size), (len(visit.taste), 1))
    weights, match = choice_weights(params, tables, visit, slate)
    whole = visit.taste @ items.item_factors.T
    logits = visitor.item_logits(params, items.quality, whole, visit.satiation[:, items.category])
    shown = logits[:, : params.slate_size] + params.position_weight * np.arange(params.slate_size)
    np.testing.assert_allclose(weights, np.exp(shown), rtol=2e-4)
    np.testing.assert_allclose(match, whole[:, : params.slate_size], **CLOSE)
    untired = visitor.catalogue_logits(items.quality, visit.taste, items.item_factors)
    np.testing.assert_allclose(attraction(tables, visit.taste), np.exp(untired), rtol=2e-4)


def test_one_product_gives_the_logits_of_a_large_catalogue(params):
    tables, visit, items = large_tables(params, as_large(params)), visits(params), params.catalogue
    packed = logit_query(params, visit) @ logit_columns(tables).T
    match = visit.taste @ items.item_factors.T
    logits = visitor.item_logits(params, items.quality, match, visit.satiation[:, items.category])
    np.testing.assert_allclose(packed[:, : items.size], logits, rtol=1e-4, atol=1e-4)
