"""The gates of an id: constants do not do, looking ahead pays, memory pays.

`python benchmarks/ladder.py ID --gates --constant` measures them: the score of the best constant action
known (bar: below .5, or the id says what it teaches); where an action of 0 is a rule, that rule's score and
the share of the way from it to the best known that the learner goes; the best known return as a multiple of
the myopic clairvoyant's, where the task claims that what is shown now counts later (bar: 1.15); and what a
baseline with memory earns more than its like without (reported). A dash: the task makes no such claim.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from rows import best
from rungs import ZERO, Plan, Rung
from studies.records import RESULTS, print_rows, read_rows, write_rows

import sb3_ecom
from sb3_ecom.core.registry import Spec
from sb3_ecom.core.statistics import difference, estimate_mean, ratio

COLUMNS = (
    *(
        "id",
        "episodes",
        "constant_score",
        "declared",
        "zero_score",
        "learner_over_zero",
        "best_known",
        "myopic",
        "ratio",
        "ratio_se",
    ),
    *("memory_pair", "memory_gap", "gap_se"),
)
Pair = tuple[str, str]
_SESSION = ("lookahead_clairvoyant", "myopic_clairvoyant")
#: id -> (best known, myopic clairvoyant) or None, and (with memory, without) or None.
GATES: dict[str, tuple[Pair | None, Pair | None]] = {
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


def gate_row(plan: Plan, rungs: Sequence[Rung]) -> dict[str, Any]:
    """Return an id's row from its ladder.

    Raises:
        ValueError: if the ladder lacks a policy that a gate compares.
    """
    ahead, memory = GATES.get(plan.env_id, (None, None))
    returns = {rung.policy: rung.measured.returns for rung in rungs}
    lacking = {*(ahead or ()), *(memory or ())} - set(returns)
    if lacking:
        raise ValueError(f"the gates of {plan.env_id} need --rules {' '.join(sorted(lacking))}")
    row: dict[str, Any] = dict.fromkeys(COLUMNS, "-") | {"id": plan.env_id, "episodes": plan.episodes}
    constant = best(rungs, "constant")
    spec = sb3_ecom.spec(plan.env_id)
    if constant is not None:
        row["constant_score"] = f"{spec.score(float(constant.measured.returns.mean())):.3f}"
    row["declared"] = "yes" if spec.teaches else "no"
    row |= over_zero(spec, rungs)
    if ahead:
        most, myopic = (returns[name] for name in ahead)
        found = ratio(most, myopic)
        row |= {"best_known": f"{most.mean():.4g}", "myopic": f"{estimate_mean(myopic).mean:.4g}"}
        row |= {"ratio": f"{found.mean:.3f}", "ratio_se": f"{found.stderr:.3f}"}
    if memory:
        gap = difference(returns[memory[0]], returns[memory[1]])
        row |= {"memory_pair": " - ".join(memory), "memory_gap": f"{gap.mean:.3f}"}
        row["gap_se"] = f"{gap.stderr:.3f}"
    return row


def over_zero(spec: Spec, rungs: Sequence[Rung]) -> dict[str, str]:
    """Return the score of the rule that an action of 0 is, and of the learner if that counts as 0."""
    zero = next((rung for rung in rungs if rung.policy == ZERO), None)
    if not spec.zero_action or zero is None:
        return {}
    start = float(zero.measured.returns.mean())
    cells = {"zero_score": f"{spec.score(start):.3f}"}
    learner = best(rungs, "learner")
    if learner is not None:
        gone = float(learner.measured.returns.mean()) - start
        cells["learner_over_zero"] = f"{gone / (spec.best_known.value - start):.3f}"
    return cells


def save_gate(row: dict[str, Any]) -> None:
    """Print an id's row and put it into benchmarks/results/gates.csv."""
    path = RESULTS / "gates.csv"
    rows = [known for known in read_rows(path) if known["id"] != row["id"]]
    write_rows(path, COLUMNS, [*rows, row])
    print_rows(COLUMNS, [row])
