"""A preset is refined by the pages that were served to visitors of another kind."""

from dataclasses import replace

import numpy as np
import pytest

from sb3_ecom.__main__ import main
from sb3_ecom.core.registry import spec
from sb3_ecom.envs.recommendation.calibration.page_fit import _choice_loss, _rows, _start
from sb3_ecom.envs.recommendation.session.baselines import constant_weights
from sb3_ecom.envs.recommendation.session.env import SessionTask
from sb3_ecom.envs.recommendation.session.presets import load_preset
from sb3_ecom.live.decision_log import DecisionLog
from sb3_ecom.live.item_ids import ItemIds
from sb3_ecom.live.pages import RulePolicy
from sb3_ecom.live.recommender import Recommender
from sb3_ecom.live.refine import _shown, refine_by_log
from sb3_ecom.live.rehearsal import rehearse
from sb3_ecom.logs.decisions import read_decisions

BELIEVED = spec("EcomRec-v0").make_task().params


def disturbed(seed=0):
    """Return visitors who differ from those of the preset."""
    draw = np.random.default_rng(seed)
    items = BELIEVED.catalogue
    catalogue = replace(
        items,
        quality=items.quality + 0.4 * draw.normal(size=items.size),
        item_factors=1.3 * items.item_factors,
    )
    return replace(
        BELIEVED,
        catalogue=catalogue,
        outside_scale=0.35,
        position_weight=-0.4,
        satiation_weight=0.6,
        exit_without_click=0.5,
        buy_base=-2.0,
    )


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    folder = tmp_path_factory.mktemp("log")
    policy = RulePolicy("EcomRec-v0", constant_weights(np.zeros(14)))
    shop = Recommender(policy, explore="plackett-luce:1.5", log=DecisionLog(folder), seed=0)
    rehearse(shop, SessionTask(disturbed()), 1200, seed=0)
    shop.close()
    return read_decisions(folder)


def test_refined_visitors_are_nearer_to_those_who_came(served):
    found = refine_by_log(BELIEVED, served)
    truth, refined = disturbed(), found.params
    assert found.after > found.before + 0.01  # held-out nats of a page
    errors = found.standard_errors
    for name in ("position_weight", "satiation_weight", "exit_without_click", "buy_base"):
        value = getattr(refined, name)
        assert abs(value - getattr(truth, name)) < 4 * errors[name], name
    taste = np.linalg.norm(refined.catalogue.item_factors) / np.linalg.norm(BELIEVED.catalogue.item_factors)
    assert taste == pytest.approx(1.3, abs=4 * errors["taste"])

    def distance(params):
        shift = params.catalogue.quality - truth.catalogue.quality
        return np.sqrt(((shift - shift.mean()) ** 2 * truth.catalogue.popularity).sum())

    assert distance(refined) < distance(BELIEVED)


def test_the_gradient_of_the_choices_is_right(served):
    ids = ItemIds(BELIEVED.catalogue.item_ids)
    rows = _rows(BELIEVED, [_shown(visit, ids, BELIEVED) for visit in served[:20]])
    theta = _start(BELIEVED) + 0.1
    loss, gradient = _choice_loss(theta, rows, BELIEVED)
    for place in (0, 29, 216, 217, 218, 219, 220):
        ahead = theta.copy()
        ahead[place] += 1e-6
        assert (_choice_loss(ahead, rows, BELIEVED)[0] - loss) / 1e-6 == pytest.approx(
            gradient[place], rel=1e-3, abs=1e-3
        )


def test_too_few_pages_are_an_error(served):
    with pytest.raises(ValueError, match="refining needs >= 100 pages and >= 20 clicks, got"):
        refine_by_log(BELIEVED, served[:3])


def test_the_command_writes_a_preset_that_loads(served, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr("sb3_ecom.cli.refine.read_pages", lambda folder: served)
    out = tmp_path / "refined.toml"
    assert main(["refine", "decisions/", "--out", str(out)]) == 0
    said = capsys.readouterr().out
    assert "nats a page" in said
    assert f"next: python -m sb3_ecom train --env EcomRec-v0 --preset {out}" in said
    loaded = load_preset(out)
    refined = refine_by_log(BELIEVED, served).params
    assert loaded.position_weight == pytest.approx(refined.position_weight, rel=1e-3)
    assert loaded.catalogue.item_ids == BELIEVED.catalogue.item_ids
