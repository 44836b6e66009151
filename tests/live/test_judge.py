"""Candidates are judged on the log of a rehearsal, and the truth is known."""

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from sb3_ecom.core.evaluate import evaluate
from sb3_ecom.core.registry import spec
from sb3_ecom.envs.recommendation.session.baselines import constant_weights
from sb3_ecom.envs.recommendation.session.ranker import CONSTANT_WEIGHTS
from sb3_ecom.live.decision_log import DecisionLog
from sb3_ecom.live.exploration import Exploration, parse_exploration
from sb3_ecom.live.judge import Candidate, judge
from sb3_ecom.live.pages import RulePolicy
from sb3_ecom.live.recommender import Recommender
from sb3_ecom.live.rehearsal import rehearse
from sb3_ecom.logs.decisions import read_decision_table, read_decisions

TASK = spec("EcomRec-v0").make_task()


def fixed(weights):
    """Return a policy that can serve: constant weights of the ranker."""
    return RulePolicy("EcomRec-v0", constant_weights(weights))


def candidate(weights, explore, name="c"):
    return Candidate(name, fixed(weights).act_with_scores, TASK, parse_exploration(explore))


ZERO = np.zeros(14)


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    """Serve 400 visits with exploration; return their log."""
    folder = tmp_path_factory.mktemp("log")
    shop = Recommender(fixed(ZERO), explore="plackett-luce:1", log=DecisionLog(folder), seed=3)
    rehearse(shop, TASK, 400, seed=1)
    shop.close()
    return read_decisions(folder)


def test_the_logger_judges_itself_with_all_pages(served):
    found = judge(served, candidate(ZERO, "plackett-luce:1"))
    pages = sum(len(visit.pages) for visit in served)
    assert found.effective_pages == pytest.approx(pages, rel=1e-6)
    assert found.estimates["ips"].value == pytest.approx(found.logged.value)
    assert found.difference.value == pytest.approx(0.0, abs=0.02)
    assert not found.left_out
    assert not found.passes(500)


def test_a_sharper_candidate_is_told_from_the_logger_with_a_narrower_interval_of_the_difference(served):
    found = judge(served, candidate(ZERO, "plackett-luce:0.8"))
    assert found.estimates["dr"].low < found.estimates["ips"].value < found.estimates["dr"].high
    assert found.difference.stderr < found.estimates["dr"].stderr
    assert found.effective_pages < found.logged.effective_pages


def test_a_deterministic_candidate_without_overlap_is_an_error(served):
    few = [replace(visit, pages=visit.pages[:1]) for visit in served[:3]]
    with pytest.raises(ValueError, match="no overlap"):
        judge(few, candidate(CONSTANT_WEIGHTS, "none"))


def test_candidates_of_the_log_bind_the_judged_policy_too(served):
    pages = [replace(visit.pages[0], candidates=visit.pages[0].items) for visit in served[:2]]
    visits = [replace(visit, pages=(page,)) for visit, page in zip(served, pages, strict=False)]
    found = judge(visits, candidate(ZERO, "epsilon:1"))
    # Five items are left: a uniform page is one of 120 orders, and each is as probable.
    weights = [1 / 120 / np.prod(page.propensities) for page in pages]
    assert found.effective_pages == pytest.approx(sum(weights) ** 2 / sum(w * w for w in weights))


def test_pages_of_a_fallback_are_left_out_and_counted(served):
    page = served[0].pages[0]
    odd = replace(
        served[0], pages=(replace(page, fallback="why"), replace(page, items=(*page.items[:4], "")))
    )
    found = judge([odd, *served[1:]], candidate(ZERO, "plackett-luce:1"))
    assert found.left_out == {"why": 1, "a slot was empty": 1}


def test_one_visit_is_an_error(served):
    long = max(served, key=lambda visit: len(visit.pages))
    with pytest.raises(ValueError, match="at least 2 visits"):
        judge([long], candidate(ZERO, "plackett-luce:1"))


def test_a_table_with_the_users_own_columns_is_judged_alike(served, tmp_path):
    rows = [
        {
            "sid": visit.visit,
            "imp": page.event_id,
            "sku": item,
            "slot no": slot,
            "p": chance,
            "hit": int(item == page.clicked),
            "bought it": int(item == page.clicked and page.bought),
            "came on": visit.context["landing"],
            "h": visit.context["hour"],
            "at": page.time,
        }
        for visit in served[:50]
        for page in visit.pages
        for slot, (item, chance) in enumerate(zip(page.items, page.propensities, strict=True))
    ]
    pd.DataFrame(rows).sample(frac=1, random_state=0).to_csv(tmp_path / "log.csv", index=False)
    names = {"visit": "sid", "page": "imp", "item": "sku", "position": "slot no", "propensity": "p"}
    names |= {"clicked": "hit", "bought": "bought it", "landing": "came on", "hour": "h", "time": "at"}
    read, table = read_decision_table(tmp_path / "log.csv", names)
    assert "took column 'sku' for item" in table.describe()
    for reward in ("clicks", "purchases"):
        ours = judge(served[:50], candidate(ZERO, "plackett-luce:0.8"), reward=reward)
        theirs = judge(read, candidate(ZERO, "plackett-luce:0.8"), reward=reward)
        assert theirs.estimates["ips"].value == pytest.approx(ours.estimates["ips"].value)


def write_table(path, visits, **cells):
    """Write a table of decisions; `cells` replaces those of its second row."""
    rows = [
        {"visit": visit.visit, "page": page.event_id, "item": item, "propensity": chance}
        | {"clicked": int(item == page.clicked), "landing": visit.context["landing"], "hour": 9.0}
        for visit in visits
        for page in visit.pages
        for item, chance in zip(page.items, page.propensities, strict=True)
    ]
    rows[1] |= cells
    pd.DataFrame(rows).to_csv(path, index=False)


@pytest.mark.parametrize("cell", ["propensity", "clicked"])
def test_a_page_with_an_empty_cell_is_left_out_whole(cell, served, tmp_path):
    write_table(tmp_path / "log.csv", served[:40], **{cell: None})
    found = judge(read_decision_table(tmp_path / "log.csv")[0], candidate(ZERO, "plackett-luce:1"))
    assert found.left_out == {"a propensity or click is missing": 1}


def test_a_row_without_its_page_is_an_error(served, tmp_path):
    write_table(tmp_path / "log.csv", served[:40], page=None)
    with pytest.raises(ValueError, match=r"can not be put together .* page is missing: 1 \(first: row 2\)"):
        read_decision_table(tmp_path / "log.csv")


def test_pages_of_which_nothing_was_reported_are_counted(served):
    page = replace(served[0].pages[0], rewarded=False, clicked=None)
    found = judge([replace(served[0], pages=(page,)), *served[1:]], candidate(ZERO, "plackett-luce:1"))
    assert found.unrewarded == 1


def test_the_chances_of_the_next_item_are_those_of_drawn_pages():
    scores = np.array([0.3, 1.0, -np.inf, 0.5, 0.1])
    generator = np.random.default_rng(0)
    for explore in (Exploration("plackett-luce", 0.7), Exploration("epsilon", 0.6)):
        pages = np.array([explore.draw(scores, 3, generator) for _ in range(20_000)])
        begun = pages[(pages[:, 0] == 1) & (pages[:, 1] == 3)][:, 2]
        share = np.bincount(begun, minlength=5) / begun.size
        chance = explore.next_item(scores, np.array([1, 3]))
        assert np.abs(share - chance).max() < 4 * 0.5 / np.sqrt(begun.size)
        assert explore.propensities(scores, np.array([1, 3, 0]))[-1] == pytest.approx(chance[0])


def test_a_rehearsal_serves_what_the_environment_would(served):
    shop = Recommender(fixed(CONSTANT_WEIGHTS))
    ours = rehearse(shop, TASK, 1500, seed=2)
    theirs = evaluate("EcomRec-v0", "constant_weights", episodes=4000)
    mean, stderr = ours.per_visit()
    assert abs(mean - theirs.mean) < 4 * np.hypot(stderr, theirs.stderr)


@pytest.mark.slow
def test_intervals_cover_the_truth_of_a_served_month(tmp_path):
    folder = Path(__file__).parents[2] / "benchmarks" / "studies"
    out = tmp_path / "judged.csv"
    command = [sys.executable, str(folder / "judged_month.py"), "--out", str(out)]
    subprocess.run(command, check=True, cwd=tmp_path)
    table = pd.read_csv(out, comment="#")
    for row in table[table.estimator.isin(["ips", "snips", "dr"])].itertuples():
        assert 0.92 <= row.coverage <= 0.98, row
