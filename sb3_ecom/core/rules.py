"""Baselines that a model builds on, made anew or from the constants that were tuned when it was trained."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from typing import Any

from sb3_ecom.core.policies import TunedMaker, TunedRule
from sb3_ecom.core.registry import spec
from sb3_ecom.core.task import Task

_LOG = logging.getLogger(__name__)


def build_rule(task: Task, env_id: str, name: str, constants: Mapping[str, Any] | None = None) -> Any:
    """Return a fresh rule, without a search where constants that were tuned for this task are at hand.

    Args:
        task: what the rule acts in.
        env_id: whose baseline it is.
        name: of the baseline.
        constants: tuned ones, as `constants_of` gave them, or None.

    Raises:
        ValueError: if the id has no baseline of that name.
    """
    make = _maker(env_id, name)
    if not constants or not isinstance(make, TunedMaker):
        return make(task)
    if make.fits(task, constants):
        return make.from_constants(task, constants)
    _LOG.warning("the constants of rule %s were tuned for another %s: tuning it anew", name, env_id)
    return make(task)


def check_constants(task: Task, env_id: str, name: str, constants: Mapping[str, Any] | None) -> None:
    """Refuse constants with which `build_rule` would have to search.

    Raises:
        ValueError: if the rule needs constants, and there are none or they are another task's.
    """
    make = _maker(env_id, name)
    if isinstance(make, TunedMaker) and not (constants and make.fits(task, constants)):
        found = "those of another shop" if constants else "none"
        raise ValueError(f"rule {name!r} needs the constants that were tuned for this {env_id}, got {found}")


def constants_of(rule: Any) -> dict[str, Any] | None:
    """Return the tuned constants of a rule as JSON takes them; None where it has none."""
    return dict(rule.constants) if isinstance(rule, TunedRule) else None


def _maker(env_id: str, name: str) -> Callable[[Any], Any]:
    baselines = spec(env_id).baselines
    if name not in baselines:
        raise ValueError(f"rule must be one of {', '.join(baselines)}, got {name!r}")
    return baselines[name]
