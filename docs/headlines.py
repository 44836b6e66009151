"""Write README's headline results, from the figures on record of three ids.

python docs/headlines.py            # prints them
python docs/headlines.py README.md  # puts them between the marks in README.md
"""

from __future__ import annotations

import sys
from pathlib import Path

from sb3_ecom.core.files import write_whole
from sb3_ecom.core.references import Reference
from sb3_ecom.core.registry import Spec, spec

MARKS = "<!-- headlines: python docs/headlines.py README.md -->\n", "<!-- end headlines -->\n"
WHAT = {
    "EcomRec-v0": ("clicks a session", "a planner who sees the visitor's taste"),
    "EcomAds-v0": ("conversions a day", "a bound by a bidder who knows the whole day"),
    "EcomInventory-v0": ("profit a day", "a buyer who knows each item's rate of demand"),
}


def headlines() -> list[str]:
    """Return one line per id."""
    return [_line(spec(env_id), *words) for env_id, words in WHAT.items()]


def _line(entry: Spec, unit: str, best: str) -> str:
    learner, baseline = entry.learner, entry.best_baseline
    if learner is None or baseline is None:
        raise ValueError(f"{entry.id} has no figures of a learner and a baseline on record")
    return (
        f"- `{entry.id}`: {learner.policy or 'the learner'} {_show(learner)} {unit}, the best rule "
        f"(`{baseline.policy}`) {_show(baseline)}, {best} {_show(entry.best_known)}."
    )


def _show(reference: Reference) -> str:
    return f"{reference.value:.4g} ± {1.96 * reference.stderr:.2g}"


def main() -> None:
    """Print the lines, or write them into a file."""
    lines = "\n".join(headlines()) + "\n"
    if len(sys.argv) < 2:
        print(lines, end="")
        return
    path = Path(sys.argv[1])
    before, _, rest = path.read_text(encoding="utf-8").partition(MARKS[0])
    _, found, after = rest.partition(MARKS[1])
    if not found:
        raise ValueError(f"{path} has not the marks {MARKS[0].strip()} and {MARKS[1].strip()}")
    write_whole(path, f"{before}{MARKS[0]}{lines}{MARKS[1]}{after}".encode())


if __name__ == "__main__":
    main()
