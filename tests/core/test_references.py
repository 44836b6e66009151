"""One file of figures an id: what is written is read, and the table says what is on record."""

from dataclasses import replace

import pytest

from sb3_ecom.cli.envs import describe
from sb3_ecom.core.references import Reference, load_references, write_references
from sb3_ecom.core.registry import specs

RANDOM = Reference(value=1.0, stderr=0.1, command="measure random")
BEST = Reference(value=3.0, stderr=0.0, command="compute")
LEARNER = Reference(
    policy="PPO",
    value=2.5,
    stderr=0.2,
    command="train",
    results="x.csv",
    seeds=5,
    minus_baseline=(0.25, 0.08),
)


def test_figures_are_read_as_they_were_written(tmp_path):
    path = tmp_path / "references" / "ID.json"
    path.parent.mkdir()
    write_references(path, {"best_known": BEST, "random": RANDOM})
    write_references(path, {"learner": LEARNER})
    found = load_references(str(tmp_path / "spec.py"), "ID")
    assert (found.random, found.best_known, found.learner) == (RANDOM, BEST, LEARNER)
    assert found.best_baseline is None
    assert "seeds" not in path.read_text().split('"learner"')[0]  # what is not said is not written


def test_an_unknown_role_is_refused(tmp_path):
    with pytest.raises(ValueError, match="role must be one of"):
        write_references(tmp_path / "ID.json", {"worst": RANDOM})


def test_a_file_without_a_needed_figure_is_refused(tmp_path):
    (tmp_path / "references").mkdir()
    write_references(tmp_path / "references" / "ID.json", {"random": RANDOM})
    with pytest.raises(ValueError, match="holds no references"):
        load_references(str(tmp_path / "spec.py"), "ID")


def test_the_table_shows_seeds_and_the_paired_difference():
    entry = specs()["EcomLostSales-v0"]
    cells = describe(replace(entry, references=replace(entry.references, learner=LEARNER)))
    assert "PPO 2.5 ± 0.2 (5 seeds; +0.25 ± 0.08 paired)" in cells
