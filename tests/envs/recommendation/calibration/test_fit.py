"""Parameters that made a log come back from it, within their own intervals."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from sb3_ecom.core.preset_text import sign_text
from sb3_ecom.envs.recommendation.calibration.choice import PRIORS, fit_choice
from sb3_ecom.envs.recommendation.calibration.click_log import read_click_log
from sb3_ecom.envs.recommendation.calibration.click_rows import Cleaning
from sb3_ecom.envs.recommendation.calibration.fit import Sessions, fit, memory_gap, simulate_log, statistics
from sb3_ecom.envs.recommendation.session import presets as session_presets
from sb3_ecom.envs.recommendation.session.presets import format_preset, load_preset
from tests.envs.recommendation.small_shop import small_params

EXITS = ("exit_base", "exit_satisfaction", "satisfaction_decay", "bounce")


def known_shop():
    params = small_params(
        n=8,
        d=1,
        seed=4,
        exit_base=-1.2,
        exit_satisfaction=1.5,
        satisfaction_decay=0.8,
        bounce=0.4,
        reopen=-0.6,
        repeat=0.3,
    )
    catalogue = replace(params.catalogue, start=params.catalogue.click_update)  # what the fit assumes
    return replace(params, catalogue=catalogue)


@pytest.fixture(scope="module")
def fitted():
    truth = known_shop()
    log = simulate_log(truth, 20_000, seed=7)
    return truth, log, fit(log, progress=False, parts=1)


@pytest.mark.parametrize("name", [*EXITS, "reopen", "repeat"])
def test_planted_scalars_lie_in_their_intervals(fitted, name):
    truth, _, found = fitted
    error = found.standard_errors[name]
    assert 0 < error < 0.5
    assert abs(getattr(found.params, name) - getattr(truth, name)) <= 3 * error


def test_planted_exit_effects_come_back(fitted):
    truth, log, found = fitted
    share = np.bincount(log.item, minlength=8) / len(log.item)
    planted = truth.catalogue.exit_effect - share @ truth.catalogue.exit_effect  # the level is exit_base's
    assert np.abs(found.params.catalogue.exit_effect - planted).max() < 0.15
    assert np.corrcoef(found.params.catalogue.exit_effect, planted)[0, 1] > 0.95


def test_planted_choices_come_back(fitted):
    """The taste's scale is free (worth x impulse counts), so choices are compared, not vectors."""
    truth, _, found = fitted
    for history in ([0], [3, 5], [1, 1, 6, 2], [7, 4, 0, 0, 0]):
        planted, estimate = (choice(params.catalogue, history) for params in (truth, found.params))
        assert np.abs(planted - estimate).max() < 0.02


def choice(items, history):
    taste = items.click_update[history[0]]
    for item in history[1:]:
        taste = items.retention[item] * taste + items.click_update[item]
    weight = np.exp(items.quality + items.item_factors @ taste)
    return weight / weight.sum()


def test_entry_shares_come_back(fitted):
    truth, log, found = fitted
    error = np.sqrt(truth.catalogue.entry_share / log.num_sessions)
    assert (np.abs(found.params.catalogue.entry_share - truth.catalogue.entry_share) < 4 * error + 1e-4).all()


def test_a_simulation_of_the_fit_has_the_statistics_of_the_log(fitted):
    _, log, found = fitted
    wanted, got = statistics(log), statistics(simulate_log(found.params, 20_000, seed=8))
    for name, value in wanted.items():
        slack = 0.1 * value
        if name.startswith("exit hazard"):  # few sessions get far: what two samples of them may differ by
            reached = (log.lengths >= int(name.split()[-2])).sum()
            slack = max(slack, 3 * np.sqrt(2 * value * (1 - value) / reached))
        assert abs(got[name] - value) <= slack, name


def test_the_preset_file_holds_the_fit(fitted, tmp_path):
    _, _, found = fitted
    path = tmp_path / "shop.toml"
    path.write_text(format_preset(found.params, {"log": "planted"}, found.standard_errors))
    again = load_preset(path)
    assert again.exit_base == pytest.approx(found.params.exit_base, rel=1e-4)
    np.testing.assert_allclose(again.catalogue.item_factors, found.params.catalogue.item_factors, atol=6e-4)
    np.testing.assert_allclose(again.catalogue.retention, found.params.catalogue.retention, atol=6e-4)
    assert again.source == "log: planted"


def test_memory_gap_is_found_where_it_was_planted_and_nowhere_else():
    rng = np.random.default_rng(0)
    length, sessions = 12, 1000
    session = np.repeat(np.arange(sessions), length)
    kind = rng.integers(2, size=sessions)  # one half of the visitors looks at even items, the other at odd
    even = 2 * rng.integers(5, size=(sessions, length)) + kind[:, None]
    mixed = np.where(rng.random((sessions, length)) < 0.15, rng.integers(10, size=even.shape), even)
    last, history = memory_gap(Sessions(session=session, item=mixed.ravel(), num_items=10))
    assert last - history > 0.05
    noise = rng.integers(10, size=session.size)
    last, history = memory_gap(Sessions(session=session, item=noise, num_items=10))
    assert last - history < 0.02  # a GRU may overfit noise, but it must not find memory in it


def test_a_preset_with_the_former_names_of_its_vectors_still_loads(tmp_path):
    text = (Path(session_presets.__file__).parent / "eshop.toml").read_text()
    for new, old in (("item_factors", "worth"), ("click_update", "impulse"), ("retention", "keep")):
        text = text.replace(f"\n{new} = ", f"\n{old} = ")
    path = tmp_path / "old.toml"
    path.write_text(sign_text(text))
    with pytest.warns(DeprecationWarning, match="worth is now called item_factors"):
        old = load_preset(path)
    np.testing.assert_array_equal(old.catalogue.retention, load_preset("eshop").catalogue.retention)


SAME = "same category on the next click"


def sparse_log(groups=50, stay=0.95, sessions=1200, seed=0):
    """Four items a category, 5 clicks a session; the next click stays in the category with `stay`."""
    rng = np.random.default_rng(seed)
    category = np.empty((sessions, 5), dtype=np.int64)
    category[:, 0] = rng.integers(groups, size=sessions)
    for t in range(1, 5):
        moved = rng.integers(groups, size=sessions)
        category[:, t] = np.where(rng.random(sessions) < stay, category[:, t - 1], moved)
    item = 4 * category + rng.integers(4, size=category.shape)
    return Sessions(
        session=np.repeat(np.arange(sessions), 5),
        item=item.ravel(),
        num_items=4 * groups,
        categories=np.arange(4 * groups) // 4,
    )


def test_a_sparse_catalogue_keeps_the_structure_of_its_sessions():
    log = sparse_log()
    found = fit(log, progress=False, parts=24)
    simulated = statistics(simulate_log(found.params, 3000, seed=1))
    assert simulated[SAME] == pytest.approx(statistics(log)[SAME], abs=0.03)
    assert "their category's" in found.shrinkage
    assert 0 < found.standard_errors["repeat"] < 0.5


def test_without_categories_only_popularity_is_shrunk_to():
    log = replace(sparse_log(sessions=200), categories=None)
    found = fit_choice(log, parts=4, progress=False)
    assert set(found.held_out) == {each for each in PRIORS if np.isinf(each.category)}
    assert found.held_out[found.prior] == max(found.held_out.values())


def test_a_sticky_log_is_simulated_as_sticky(shared):
    log = read_click_log(shared / "cases/logs/sticky_6000_360.csv.gz", {}, Cleaning(), progress=False)
    sessions = Sessions(
        session=log.session, item=log.item, num_items=log.num_items, categories=log.categories
    )
    found = fit(sessions, progress=False)
    assert statistics(simulate_log(found.params, 6000))[SAME] == pytest.approx(0.950, abs=0.02)
