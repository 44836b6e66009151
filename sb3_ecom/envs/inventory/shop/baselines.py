"""Tuned reorder rules of a web shop, with offsets that a learned policy can add to their parameters."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

from sb3_ecom.core.arrays import Array
from sb3_ecom.core.registry import Policy
from sb3_ecom.envs.inventory.shop.env import ShopTask
from sb3_ecom.envs.inventory.shop.forecasts import import_smoothing
from sb3_ecom.envs.inventory.shop.reorder_rules import RULES, within_storage
from sb3_ecom.envs.inventory.shop.tuning import parameters, view_of


class _TunedRule:
    """A rule at its tuned parameters, and the offsets that shift it away from them.

    Attributes:
        num_offsets: floats per item of a `shift`.
    """

    num_offsets = 2

    def __init__(self, task: ShopTask, name: str) -> None:
        self._task, self._rule = task, RULES[name](task)
        self.u, self.v = parameters(task, name)

    def __call__(self, observation: Array, shift: Array | None = None) -> Array:
        """Return actions; `shift`, (n, 2N), is added to u and v of every copy and item."""
        task, items = self._task, len(self.u)
        u, v = self.u, self.v
        if shift is not None:
            u, v = u + shift[:, :items], v + shift[:, items:]
        view = task.view(observation)
        return task.to_action(view, *self._rule(task, view, u, v))


class _HoltWinters:
    """Makes the rule of Holt-Winters forecasts: its memory a second look would upset, so no offsets."""

    def __call__(self, task: ShopTask) -> Policy:
        return _TunedRule(task, "holt_winters").__call__

    def check_extras(self, task: ShopTask) -> None:
        """Look for what the fit needs, before anything is tuned.

        Raises:
            ImportError: if statsmodels is needed and not installed; names the extra.
        """
        if not task.is_default:
            import_smoothing()


def _baseline(name: str) -> Callable[[ShopTask], Policy]:
    if name == "holt_winters":
        return _HoltWinters()
    return lambda task: _TunedRule(task, name)


def _known_rate(loop: Any) -> Policy:
    """Privileged: `within_storage` with the hidden rate in place of its estimate."""
    task = loop.task
    u, v = parameters(task, "known_rate")

    def act(observation: Array) -> Array:
        point, top = within_storage(task, view_of(task, loop.state, known_rate=True), u, v)
        return task.to_action(view_of(task, loop.state), point, top)

    return act


SHOP: Mapping[str, Callable[[Any], Policy]] = MappingProxyType({name: _baseline(name) for name in RULES})
PRIVILEGED: Mapping[str, Callable[[Any], Policy]] = MappingProxyType({"known_rate": _known_rate})
