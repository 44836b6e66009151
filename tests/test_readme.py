"""What the README shows is what the package does."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from sb3_ecom.cli.envs import describe, format_markdown
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


def test_the_table_of_ids_is_what_the_command_prints():
    ours = [entry for name, entry in sorted(specs().items()) if not name.startswith("EcomToy")]
    printed = format_markdown([describe(entry) for entry in ours]).strip()
    assert section("ids") == printed, "run `python -m sb3_ecom envs --markdown` and put it between the marks"


def test_pictures_are_there():
    for path in re.findall(r"\]\((docs/[^)]+)\)", README.read_text(encoding="utf-8")):
        assert (README.parent / path).is_file(), path
