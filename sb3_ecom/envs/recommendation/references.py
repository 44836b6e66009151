"""How a measured return is written down: beside the command that prints it."""

from __future__ import annotations

from collections.abc import Callable

from sb3_ecom.core.registry import Reference


def measured(env_id: str, episodes: int) -> Callable[[str, float, float], Reference]:
    """Return `note(policy, value, stderr)` for references of one id, all measured over `episodes`."""

    def note(policy: str, value: float, stderr: float) -> Reference:
        command = f"python -m sb3_ecom evaluate {env_id} --baseline {policy} --episodes {episodes} --seed 0"
        return Reference(value=value, stderr=stderr, command=command)

    return note


def trained(env_id: str, algo: str, value: float, stderr: float) -> tuple[str, Reference]:
    """Return a Spec's `learner`: "ppo" as zoo_configs/ppo.yml trains it, from results/family_scores.csv."""
    command = f"python benchmarks/family_scores.py {env_id} --algos {algo}"
    return algo.upper(), Reference(value=value, stderr=stderr, command=command)
