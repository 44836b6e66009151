"""The learners' returns in the Specs are those of the recorded runs."""

import csv
import statistics
from pathlib import Path

import pytest

import sb3_ecom

SPECS = tuple(sb3_ecom.specs().values())

RESULTS = Path(__file__).parents[3] / "benchmarks" / "results"
RECORDED = [entry for entry in SPECS if entry.learner and "inventory_scores" in entry.learner.command]


@pytest.mark.parametrize("entry", RECORDED, ids=lambda entry: entry.id)
def test_learner_s_return_is_the_mean_of_the_recorded_runs(entry):
    with (RESULTS / "inventory_scores.csv").open(newline="", encoding="utf-8") as file:
        runs = [row for row in csv.DictReader(file) if row["id"] == entry.id]
    latest = [float(row["return"]) for row in runs if row["entry"] == runs[-1]["entry"]]
    assert len(latest) == 3
    assert entry.learner.value == pytest.approx(statistics.fmean(latest), abs=6e-5)


def test_shop_s_learner_is_that_of_the_ladder():
    with (RESULTS / "ladder_EcomInventory-v0.csv").open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    (line,) = [row for row in rows if row["policy"].startswith("PPO")]
    (shop,) = [entry for entry in SPECS if entry.id == "EcomInventory-v0"]
    assert shop.learner.value == pytest.approx(float(line["return"]), abs=6e-4)
    assert f"--seeds {line['policy'].split()[-2]}" in shop.learner.command
    # Level with the rule that was searched longest, above every other.
    assert float(line["minus_best_rule"]) > -0.005 * float(line["return"])
    others = [name for name in shop.baselines if name != "forecast_refined"]
    best = max(float(row["minus_best_rule"]) for row in rows if row["policy"] in others)
    assert float(line["minus_best_rule"]) - best > 3 * float(line["minus_stderr"])
