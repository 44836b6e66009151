"""Writes a ladder's figures to the references of its id, from which specs, README and docs take them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from rows import best
from rungs import Rung

import sb3_ecom
import sb3_ecom.envs
from sb3_ecom.core.references import Reference, load_references, references_path, write_references
from sb3_ecom.core.registry import register
from sb3_ecom.core.statistics import difference, estimate_mean

MIN_SEEDS = 5  # of a learner whose return goes on record


def record(env_id: str, rungs: Sequence[Rung], command: str, results: str, algo: str) -> None:
    """Rewrite the figures of an id, and use them from here on.

    A best known return that a policy of the ladder attains is measured anew; a computed one stays.

    Args:
        env_id: the id.
        rungs: its ladder.
        command: that measured it.
        results: the table's file name.
        algo: whose own entry is the learner on record.
    """
    path = find_references(env_id)
    found = figures(rungs, command, results, algo, known_policy(sb3_ecom.spec(env_id).best_known))
    write_references(path, found)
    spec_file = str(path.parents[1] / "spec.py")
    register(replace(sb3_ecom.spec(env_id), references=load_references(spec_file, env_id)))


def figures(
    rungs: Sequence[Rung], command: str, results: str, algo: str, attained: str
) -> dict[str, Reference]:
    """Return role -> figure; `attained` names the policy whose return is the best known."""
    baseline = best(rungs, "baseline")

    def figure(rung: Rung, policy: str) -> Reference:
        value, minus = estimate_mean(rung.measured.returns), None
        learner = rung.kind == "learner"
        if learner and baseline is not None:
            gap = difference(rung.measured.returns, baseline.measured.returns)
            minus = (float(f"{gap.mean:.4g}"), float(f"{gap.stderr:.3g}"))
        return Reference(
            value=float(f"{value.mean:.6g}"),
            stderr=float(f"{value.stderr:.3g}"),
            command=command,
            policy=policy,
            results=results,
            seeds=len(rung.measured.returns) if learner else 0,
            budget=rung.budget,
            minus_baseline=minus,
        )

    roles = {
        "random": best(rungs, "random"),
        "best_baseline": baseline,
        "best_known": next((rung for rung in rungs if rung.policy == attained), None),
        "learner": next(
            (rung for rung in rungs if rung.kind == "learner" and rung.policy == algo.upper()), None
        ),
    }
    return {
        role: figure(rung, "" if role == "random" else rung.policy)
        for role, rung in roles.items()
        if rung is not None
    }


def known_policy(best_known: Reference) -> str:
    """Return the policy whose simulated return is the best known; empty where it is computed."""
    named = re.search(r"--baseline (\S+)", best_known.command)
    return best_known.policy or (named.group(1) if named else "")


def find_references(env_id: str) -> Path:
    """Return the references file of an id.

    Raises:
        ValueError: if there is none.
    """
    for root in sb3_ecom.envs.__path__:
        for spec_file in sorted(Path(root).glob("*/*/spec.py")):
            path = references_path(str(spec_file), env_id)
            if path.is_file():
                return path
    raise ValueError(f"no references/{env_id}.json beside any spec.py")
