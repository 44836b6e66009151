"""Tuned reorder rules of a web shop, with offsets that a learned policy can add to their parameters."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

import numpy as np

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
        constants: which shop they were tuned for, u and v.
    """

    num_offsets = 2

    def __init__(self, task: ShopTask, name: str, tuned: tuple[Array, Array] | None = None) -> None:
        self._task, self._rule = task, RULES[name](task)
        self.u, self.v = parameters(task, name) if tuned is None else tuned
        self.constants = {"shop": _shop_hash(task), "u": self.u.tolist(), "v": self.v.tolist()}

    def __call__(self, observation: Array, shift: Array | None = None) -> Array:
        """Return actions; `shift`, (n, 2N), is added to u and v of every copy and item."""
        task, items = self._task, len(self.u)
        u, v = self.u, self.v
        if shift is not None:
            u, v = u + shift[:, :items], v + shift[:, items:]
        view = task.view(observation)
        return task.to_action(view, *self._rule(task, view, u, v))


class _Reorder:
    """Makes a rule with offsets, tuned anew or from constants."""

    def __init__(self, name: str) -> None:
        self._name = name

    def __call__(self, task: ShopTask) -> _TunedRule:
        return _TunedRule(task, self._name)

    def fits(self, task: ShopTask, constants: Mapping[str, Any]) -> bool:
        """Return whether the constants were tuned for this shop; horizon and reward weights may differ."""
        return bool(constants.get("shop") == _shop_hash(task))

    def from_constants(self, task: ShopTask, constants: Mapping[str, Any]) -> _TunedRule:
        """Return the rule without a search."""
        return _TunedRule(task, self._name, (np.array(constants["u"]), np.array(constants["v"])))


def _shop_hash(task: ShopTask) -> str:
    demand, items, _, assumed, _ = task.tuning_signature
    kept = tuple(pair for pair in assumed if pair[0] != "horizon")
    return hashlib.sha256(repr((demand, items, kept)).encode()).hexdigest()[:12]


class _HoltWinters:
    """Makes the rule of Holt-Winters forecasts: its memory a second look would upset, so no offsets."""

    def __call__(self, task: ShopTask) -> Policy:
        rule = _TunedRule(task, "holt_winters")
        return lambda observation: rule(observation)

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
    return _Reorder(name)


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
