"""The gates of a recommendation task: constants do not do, looking ahead pays, memory pays.

    python benchmarks/gates.py                        # every id, appended to benchmarks/results/gates.csv
    python benchmarks/gates.py EcomRecRetain-v0 --episodes 4096

Three figures an id, all on the same customers: the score of the best constant action that is known (bar:
below .5); the best known return as a multiple of the myopic clairvoyant's, where the task claims that what
is shown now counts later (bar: 1.15); and what a baseline with memory earns more than its like without
(reported). A dash: the task makes no such claim. Constants come from `benchmarks/search_weights.py` (Box
actions) or `--constants` here, which tries every item (Discrete) or improves a page slot by slot.
"""

from __future__ import annotations

import argparse
import csv
import os
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np

import sb3_ecom

RESULTS = Path(__file__).resolve().parent / "results" / "gates.csv"
COLUMNS = (
    *("id", "episodes", "constant_score", "best_known", "myopic", "ratio", "ratio_se"),
    *("memory_pair", "memory_gap", "gap_se"),
)
_SESSION = ("lookahead_clairvoyant", "myopic_clairvoyant")
#: id -> (best known, myopic clairvoyant) or None, and (with memory, without) or None.
GATES: dict[str, tuple[tuple[str, str] | None, tuple[str, str] | None]] = {
    "EcomRec-v0": (_SESSION, ("session_profile", "constant_weights")),
    "EcomRecSlate-v0": (_SESSION, ("session_profile", "constant_weights")),
    "EcomRecSingle-v0": (_SESSION, ("session_profile", "constant_weights")),
    "EcomRecLarge-v0": (_SESSION, ("session_query", "last_click_query")),
    # Interests are observed: memory is not needed. With interests="hidden" it would be.
    "EcomRecEvolution-v0": (("clairvoyant_lambda", "myopic"), None),
    "EcomRecBored-v0": (("rotation", "greedy"), ("nearest_rotation", "last_clicks")),
    "EcomRecOrganic-v0": (None, ("particle_filter", "last_view")),
    "EcomRecRetain-v0": (("planner", "myopic"), ("planned", "planned_last_visit")),
    "EcomRecCold-v0": (None, ("linucb", "features_only")),
    "EcomRecContext-v0": (None, None),
}
_TRIED = 24  # popular items that a slot tries


def always(action: Any) -> Any:
    """Return the policy that does the same always."""
    action = np.asarray(action)
    return lambda observation: np.broadcast_to(action, (len(observation), *action.shape))


def best_constant(env_id: str, episodes: int) -> Any:
    """Return the best constant action found: every item, or a page improved slot by slot."""
    entry = sb3_ecom.spec(env_id)
    space = entry.make_task().action_space

    def earned(action: Any) -> float:
        return sb3_ecom.evaluate(env_id, always(action), episodes=episodes, seed=1000).mean

    if hasattr(space, "n"):
        return int(np.argmax([earned(item) for item in range(int(space.n))]))
    alone = np.array([earned([item] * len(space.nvec)) for item in range(int(space.nvec[0]))])
    page = [int(item) for item in np.argsort(-alone)[: len(space.nvec)]]
    for slot in range(len(page)):
        options = [int(item) for item in np.argsort(-alone)[:_TRIED] if item not in page] + [page[slot]]
        page[slot] = max(options, key=lambda item: earned([*page[:slot], item, *page[slot + 1 :]]))
    return tuple(page)


def gate(env_id: str, episodes: int) -> dict[str, Any]:
    """Return a row of the table."""
    ahead, memory = GATES[env_id]
    entry = sb3_ecom.spec(env_id)
    row: dict[str, Any] = dict.fromkeys(COLUMNS, "-") | {"id": env_id, "episodes": episodes}

    def run(policy: Any) -> Any:
        return sb3_ecom.evaluate(env_id, policy, episodes=episodes, seed=0)

    if entry.best_constant is not None:
        row["constant_score"] = f"{run(always(entry.best_constant)).score:.3f}"
    if ahead:
        best, myopic = (run(name) for name in ahead)
        ratio = best.mean / myopic.mean
        # The same customers: the delta method on the paired returns.
        spread = (best.returns - ratio * myopic.returns).std(ddof=1) / (myopic.mean * episodes**0.5)
        row |= {"best_known": f"{best.mean:.4g}", "myopic": f"{myopic.mean:.4g}"}
        row |= {"ratio": f"{ratio:.3f}", "ratio_se": f"{spread:.3f}"}
    if memory:
        gap, error = run(memory[0]).minus(run(memory[1]))
        row |= {"memory_pair": " - ".join(memory), "memory_gap": f"{gap:.3f}", "gap_se": f"{error:.3f}"}
    return row


def main() -> None:
    """Run what is missing, print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("ids", nargs="*", help="default: every recommendation id")
    parser.add_argument("--episodes", type=int, default=1024)
    parser.add_argument("--constants", action="store_true", help="search constants instead, and print them")
    options = parser.parse_args()
    ids = options.ids or list(GATES)
    if options.constants:
        for env_id in ids:
            found = best_constant(env_id, options.episodes)
            fresh = sb3_ecom.evaluate(env_id, always(found), episodes=options.episodes, seed=0)
            print(
                f"{env_id}: {found}, {fresh.mean:.4g} +- {fresh.stderr:.2g}, score {fresh.score:.3f}",
                flush=True,
            )
        return
    rows = []
    if RESULTS.is_file():
        with RESULTS.open(newline="", encoding="utf-8") as file:
            rows = [row for row in csv.DictReader(file) if not options.ids or row["id"] not in ids]
    for env_id in ids:
        if all(row["id"] != env_id for row in rows):
            rows.append(gate(env_id, options.episodes))
            with RESULTS.open("w", newline="", encoding="utf-8") as file:
                writer = csv.DictWriter(file, COLUMNS)
                writer.writeheader()
                writer.writerows(rows)
    for cells in (COLUMNS, *(tuple(row.values()) for row in rows)):
        print("  ".join(f"{cell!s:<20}" for cell in cells))


if __name__ == "__main__":
    main()
