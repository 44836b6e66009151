"""Every study states its question and where the answer lies, and runs on a small budget."""

import ast
import importlib.util
import re
import sys
from pathlib import Path

import pytest

FOLDER = Path(__file__).parents[2] / "benchmarks" / "studies"
STUDIES = sorted(path.stem for path in FOLDER.glob("*.py") if path.stem != "records")
#: What a study needs to be done in seconds; the others need logs that are not part of the repository.
SMALL = {
    "catalogue": "--sizes 1000 --seconds 0.05 --repeats 1 --out {tmp}/catalogue.csv",
    "expected_advantage": "--episodes 600 --learn 600",
    "exploration_noise": "--episodes 16",
    "extractors": "--only encoders --repeats 1",
    "full_circle": "--seeds 1 --steps 20000 --visits 60 --served 150 --sessions 3000 --out {tmp}/circle.csv",
    "judged_month": "--replications 2 --visits 20 --out {tmp}/judged.csv",
    "logged_recommenders": "--served-by related_items --sessions 200 --episodes 16",
    "new_campaign_rules": "--days 8",
    "pricing_gate": "--restarts 1 --periods 3",
    "shop_memory": "--copies 8",
    "slateq": "--steps 2000",
}
SLOW = (
    "extractors",
    "full_circle",
    "logged_recommenders",
    "new_campaign_rules",
    "slateq",
)  # half a minute for these


def load(name, monkeypatch):
    """Return a study's module as a script finds it: with its own folder on the path."""
    monkeypatch.syspath_prepend(str(FOLDER))
    spec = importlib.util.spec_from_file_location(f"study_{name}", FOLDER / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("name", STUDIES)
def test_a_study_states_its_question_and_where_the_answer_is(name):
    text = ast.get_docstring(ast.parse((FOLDER / f"{name}.py").read_text(encoding="utf-8")))
    assert "?" in text.split("\n\n")[0], "the first paragraph asks"
    assert re.search(r"\b[Aa]nswer(:| is\b)", text)
    assert f"python benchmarks/studies/{name}.py" in text


@pytest.mark.parametrize("name", STUDIES)
def test_a_study_imports(name, monkeypatch):
    assert callable(load(name, monkeypatch).main)


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=[pytest.mark.slow] if name in SLOW else []) for name in SMALL]
)
def test_a_study_runs(name, monkeypatch, tmp_path):
    module = load(name, monkeypatch)
    monkeypatch.setattr(sys.modules["records"], "RESULTS", tmp_path)
    if hasattr(module, "RESULTS"):
        monkeypatch.setattr(module, "RESULTS", tmp_path)
    monkeypatch.setattr("sys.argv", [name, *SMALL[name].format(tmp=tmp_path).split()])
    module.main()
    assert list(tmp_path.glob("*.csv"))
