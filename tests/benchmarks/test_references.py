"""Each figure on record names a command that exists, and is what the cited table of runs says."""

import csv
import re
import shlex
import statistics
from pathlib import Path

import ladder
import pytest
import studies.records as records

import sb3_ecom
from sb3_ecom.__main__ import _make_parser
from sb3_ecom.core.references import ROLES

REPOSITORY = Path(__file__).parents[2]
SPECS = {name: entry for name, entry in sb3_ecom.specs().items() if not name.startswith("EcomToy")}
FIGURES = [
    pytest.param(env_id, role, reference, id=f"{env_id}-{role}")
    for env_id, entry in SPECS.items()
    for role in ROLES
    if (reference := getattr(entry.references, role)) is not None
]


@pytest.mark.parametrize(("env_id", "role", "reference"), FIGURES)
def test_the_command_of_a_figure_exists(env_id, role, reference):
    for command in re.split(r"; (?=python -m )", reference.command):
        check_command(env_id, shlex.split(command))


def check_command(env_id, words):
    """Parse a command by the program that it calls."""
    entry = SPECS[env_id]
    match words:
        case ["python", "-m", "sb3_ecom", *arguments]:
            options = _make_parser(arguments).parse_args(arguments)
            known = {"random", "all", *entry.baselines, *entry.privileged}
            assert options.env == env_id
            assert options.baseline is None or options.baseline in known
        case ["python", "benchmarks/ladder.py", *arguments]:
            options = ladder.make_parser().parse_args(arguments)
            assert options.env_id == env_id
            assert (REPOSITORY / "zoo_configs" / f"{options.algo}.yml").is_file()
        case ["python", "-m", "rl_zoo3.train", *arguments]:
            assert arguments[arguments.index("--env") + 1] == env_id
            assert (REPOSITORY / arguments[arguments.index("-conf") + 1]).is_file()
        case ["python", "-c", code]:
            compile(code, "command", "exec")
            assert f"spec('{env_id}').oracle(" in code
        case _:
            pytest.fail(f"nobody can run {words}")


@pytest.mark.parametrize(
    ("env_id", "role", "reference"), [figure for figure in FIGURES if figure.values[2].results]
)
def test_a_figure_is_what_its_table_says(env_id, role, reference):
    path = records.RESULTS / reference.results
    value = recorded(path, env_id, role, reference)
    assert reference.value == pytest.approx(value, rel=1e-3), f"{path.name} says {value}"


def recorded(path, env_id, role, reference):
    """Return the return that a table holds: of one row a policy, or of one row a run."""
    rows = records.read_rows(path)
    if "id" not in rows[0]:
        policy = reference.policy or role
        (row,) = [row for row in rows if re.fullmatch(rf"{policy}((,| on ).*)?", row["policy"])]
        return float(row["return"])
    runs = [row for row in rows if row["id"] == env_id]
    if "algo" in rows[0]:
        runs = [row for row in runs if row["algo"] == reference.policy.lower()]
    else:
        runs = [row for row in runs if row["entry"] == runs[-1]["entry"]]
    options = ladder.make_parser().parse_args(shlex.split(reference.command)[2:])
    assert len(runs) == options.seeds
    assert {int(row["episodes"]) for row in runs} == {options.episodes}
    return statistics.fmean(float(row["return"]) for row in runs)


def test_the_shop_s_learner_is_level_with_the_longest_search_and_above_every_other_rule():
    with (records.RESULTS / "ladder_EcomInventory-v0.csv").open(newline="", encoding="utf-8") as file:
        rows = {row["policy"]: row for row in csv.DictReader(line for line in file if line[0] != "#")}
    learner = next(row for name, row in rows.items() if name.startswith("PPO"))
    others = [name for name in SPECS["EcomInventory-v0"].baselines if name != "forecast_refined"]
    best = max(float(rows[name]["return"]) for name in others)
    assert float(learner["return"]) > 0.995 * float(rows["forecast_refined"]["return"])
    assert float(learner["return"]) - best > 3 * float(learner["minus_stderr"])
