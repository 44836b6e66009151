"""The commands of the pages on live decisions run as they are typed there, on made-up logs."""

import importlib
import re
import subprocess
import sys
from pathlib import Path

import pytest

DOCS = Path(__file__).parents[1] / "docs"
SLOW = ("ads", "sales")  # with their own training, a minute each
PARTS = ("shop", *(pytest.param(part, marks=pytest.mark.slow) for part in SLOW))


@pytest.mark.parametrize("part", PARTS)
def test_the_transcripts_commands_run(part, tmp_path):
    pytest.importorskip("fastapi")
    script = DOCS / "make_live.py"
    subprocess.run([sys.executable, script, "--small", "--only", part, "--out", tmp_path], check=True)
    kept = {path.name for path in (DOCS / "live" / "transcripts").glob(f"{part}_*.txt")}
    assert kept == {path.name for path in tmp_path.iterdir()}
    for path in tmp_path.iterdir():
        assert _typed(path) == _typed(DOCS / "live" / "transcripts" / path.name), path.name


def test_every_transcript_has_a_page():
    pages = "".join(path.read_text(encoding="utf-8") for path in (DOCS / "live").glob("*.md"))
    for path in (DOCS / "live" / "transcripts").iterdir():
        assert f"transcripts/{path.name}" in pages


def _typed(path):
    """Return the commands' names and the endpoints asked."""
    lines = path.read_text(encoding="utf-8").splitlines()
    return [
        line.split()[:5] if "sb3_ecom" in line else line.split()[:4] for line in lines if line[:2] == "$ "
    ]


def test_readme_shows_the_headlines_on_record_and_fits_a_look():
    readme = (DOCS.parent / "README.md").read_text(encoding="utf-8")
    command = [sys.executable, DOCS / "headlines.py"]
    lines = subprocess.run(command, check=True, capture_output=True, text=True)
    assert len(lines.stdout.splitlines()) == 3
    assert f"README.md -->\n{lines.stdout}<!-- end headlines -->" in readme
    assert readme.count("\n") <= 130
    for path in re.findall(r'(?:\]\(|src=")((?!http)[^)"#]+)', readme):
        assert (DOCS.parent / path).exists(), path


def test_every_id_has_a_page_of_every_section(monkeypatch):
    monkeypatch.syspath_prepend(str(DOCS / "_ext"))
    environments = importlib.import_module("environments")
    sections = ("Observation space", "Action space", "Rewards", "Start and end of an episode", "Arguments")
    sections += ("Baselines", "Results", "Vectorised", "Source", "Version history")
    tasks = {entry.id: entry.make_task() for entry in environments.our_specs()}
    overview = environments.gallery(tasks)
    for entry in environments.our_specs():
        text = environments.page(entry, tasks[entry.id])
        places = [text.index(f"\n## {section}\n") for section in sections]
        assert places == sorted(places), entry.id
        assert "| number | name | min | max |" in text or "| index | what | min | max |" in text
        assert f'href="{entry.id}.html"' in overview
        described = [row for row in text.splitlines() if row.endswith("| observations |")]
        assert all(row.split("|")[2].strip() for row in described), described
