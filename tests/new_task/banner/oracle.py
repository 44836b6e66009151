"""The return of who sees what the visitor likes."""

from __future__ import annotations

from typing import Any

from sb3_ecom.core.registry import Oracle


def oracle(task: Any) -> Oracle:
    """Return the bound: every page shows the banner that the visitor likes."""
    value = task.params.liking * task.horizon
    information = "the visitor's liking"
    return Oracle(kind="bound", value=value, stderr=0.0, information=information, policy=clairvoyant)


def clairvoyant(loop: Any) -> Any:
    """Return the policy that shows what is liked."""
    return lambda observation: loop.state.hidden
