"""What the README shows is what the package does."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from sb3_ecom.core.registry import specs

README = Path(__file__).parents[1] / "README.md"


def section(name):
    """Return the text between two marks."""
    text = README.read_text(encoding="utf-8")
    return re.search(rf"<!-- {name} -->\n(.*?)<!-- end -->", text, re.DOTALL).group(1).strip()


def test_the_ten_lines_run():
    code = section("script").removeprefix("```python").removesuffix("```")
    assert len([line for line in code.splitlines() if line.strip()]) <= 10
    shorter = code.replace("10_000", "1_024").replace("episodes=500", "episodes=50")
    done = subprocess.run([sys.executable, "-c", shorter], capture_output=True, text=True, check=True)
    assert "clicks a session" in done.stdout


@pytest.mark.slow
def test_the_ten_lines_run_as_they_stand():
    code = section("script").removeprefix("```python").removesuffix("```")
    subprocess.run([sys.executable, "-c", code], check=True)


def test_it_is_short_and_names_every_domain():
    text = README.read_text(encoding="utf-8")
    assert len(text.splitlines()) <= 130
    ours = [entry.make_task() for name, entry in specs().items() if "Toy" not in name]
    for domain in {type(task).__module__.split(".")[2] for task in ours}:
        assert domain in text


def test_every_id_that_it_names_is_registered():
    named = set(re.findall(r"Ecom\w+-v\d", README.read_text(encoding="utf-8")))
    assert named <= set(specs())


def test_pictures_are_there():
    for path in re.findall(r"\]\((docs/[^)]+)\)", README.read_text(encoding="utf-8")):
        assert (README.parent / path).is_file(), path
