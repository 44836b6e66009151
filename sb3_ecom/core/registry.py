"""Finds the domains, holds their specs and registers their ids with gymnasium."""

from __future__ import annotations

import importlib
import inspect
import re
from collections.abc import Callable, Mapping
from copy import copy
from dataclasses import dataclass, field, fields, is_dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any, Literal

import gymnasium
import numpy as np
from gymnasium.vector import AutoresetMode

from sb3_ecom import envs
from sb3_ecom.core.checks import check_whole
from sb3_ecom.core.origin import mark_origin, origin_of
from sb3_ecom.core.references import Reference, References
from sb3_ecom.core.single_env import EcomEnv
from sb3_ecom.core.task import Task
from sb3_ecom.core.vector_env import EcomVectorEnv

Policy = Callable[[Any], Any]  # (n, d) observations -> (n, ...) actions
Kind = Literal["optimal", "bound", "best-known"]


@dataclass(frozen=True, kw_only=True)
class Oracle:
    """Best value of an episode (or an average period), and the information needed to attain it."""

    kind: Kind
    value: float  # in the reward's unit, per episode or per period (the Spec's `criterion`)
    stderr: float  # of `value`; 0 where it is computed, not simulated
    information: str  # what the policy or bound may look at
    policy: Callable[[Any], Policy] | None = None  # make(loop) -> policy that attains it, where there is one

    @classmethod
    def from_sample(
        cls, values: Any, *, kind: Kind, information: str, policy: Callable[[Any], Policy] | None = None
    ) -> Oracle:
        """Return the mean of (n,) values of independent episodes, with its standard error."""
        stderr = float(values.std(ddof=1) / np.sqrt(values.size))
        return cls(
            kind=kind, value=float(values.mean()), stderr=stderr, information=information, policy=policy
        )


@dataclass(frozen=True, kw_only=True)
class Spec:
    """Everything that belongs to an id: data only.

    `make_task(**kwargs)` takes what the user gives to `gymnasium.make`. A baseline is a factory
    `make(task) -> policy` and sees observations only; a privileged policy is a factory
    `make(loop) -> policy` that may read the hidden state `loop.state`.
    """

    id: str
    summary: str
    make_task: Callable[..., Task]
    references: References
    best_known_kind: Kind
    oracle: Callable[..., Oracle]
    baselines: Mapping[str, Callable[[Any], Policy]]  # of the id's own Task
    privileged: Mapping[str, Callable[[Any], Policy]] = field(default_factory=lambda: MappingProxyType({}))
    presets: tuple[str, ...] = ()
    criterion: Literal["episode", "average"] = "episode"
    #: The best constant action known; it scores below 0.5, or `teaches` says why not.
    best_constant: Any = None
    #: Its class in `sb3_ecom.live`.
    live_form: str | None = None
    why_not_live: str = "its spec names none"  # where there is no live form
    #: Arguments of `best_constant`: an action is a bid or a quantity, not a step or an offset.
    constant_kwargs: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}))
    #: What an id is good for in which a constant action scores 0.5 or more.
    teaches: str = ""
    #: The rule that an action of 0 is, where actions are its offsets: a learner is counted from there.
    zero_action: str = ""

    @property
    def random(self) -> Reference:
        """Return of uniformly random actions."""
        return self.references.random

    @property
    def best_known(self) -> Reference:
        """The optimum, a bound or the best return known: see `best_known_kind`."""
        return self.references.best_known

    @property
    def best_baseline(self) -> Reference | None:
        """The best of `baselines`, where it was measured."""
        return self.references.best_baseline

    @property
    def learner(self) -> Reference | None:
        """The algorithm that zoo_configs trains, where it was measured."""
        return self.references.learner

    def __post_init__(self) -> None:
        object.__setattr__(self, "oracle", _CheckedOracle.of(self))

    def score(self, value: float) -> float:
        """Return (value - random) / (best known - random), both on record for the default arguments."""
        return (value - self.random.value) / (self.best_known.value - self.random.value)


class _CheckedOracle:
    """An id's oracle that refuses arguments which it does not answer for."""

    def __init__(self, entry: Spec, solve: Callable[..., Oracle]) -> None:
        self._id, self._criterion, self.solve = entry.id, entry.criterion, solve

    @classmethod
    def of(cls, entry: Spec) -> _CheckedOracle:
        known = entry.oracle
        return cls(entry, known.solve if isinstance(known, _CheckedOracle) else known)

    def __call__(self, **kwargs: Any) -> Oracle:
        """Return the best value under these arguments of the task.

        Raises:
            ValueError: on an argument that the task does not take, or for which nothing is known.
        """
        if kwargs.pop("max_episode_steps", None) is not None and self._criterion == "episode":
            raise ValueError(f"the oracle of {self._id} is of whole episodes: max_episode_steps must be None")
        try:
            return self.solve(**kwargs)
        except TypeError as error:
            raise _argument_error(self._id, error) from error


_SPECS: dict[str, Spec] = {}


def discover() -> None:
    """Register the `SPECS` of every `envs/<domain>/<task>/spec.py`; a second call changes nothing."""
    for root in envs.__path__:
        for path in sorted(Path(root).glob("*/*/spec.py")):
            domain, task = path.parts[-3:-1]
            for spec in importlib.import_module(f"{envs.__name__}.{domain}.{task}.spec").SPECS:
                register(spec)


def register(spec: Spec) -> None:
    """Make one id known to `sb3_ecom` and to gymnasium."""
    _SPECS[spec.id] = spec
    if spec.id not in gymnasium.registry:
        gymnasium.register(
            spec.id,
            entry_point="sb3_ecom.core.registry:make_env",
            vector_entry_point="sb3_ecom.core.registry:make_vector_env",
            kwargs={"env_id": spec.id},
        )


def specs() -> dict[str, Spec]:
    """Return {id: Spec} of every registered id."""
    return dict(_SPECS)


def spec(env_id: str) -> Spec:
    """Return the Spec of an id.

    Raises:
        ValueError: on an unknown id; lists the known ones.
    """
    if env_id not in _SPECS:
        raise ValueError(f"env id must be one of {', '.join(sorted(_SPECS))}, got {env_id!r}")
    return _SPECS[env_id]


def make_task(env_id: str, max_episode_steps: int | None = None, **kwargs: Any) -> Task:
    """Build the task of an id.

    Args:
        env_id: a registered id.
        max_episode_steps: truncate earlier than the task itself does; observations stay those of the task.
        **kwargs: the id's own arguments.

    Raises:
        ValueError: on an unknown id, an argument that the id does not take, or one out of its bounds.
    """
    entry = spec(env_id)
    try:
        task = entry.make_task(**kwargs)
    except TypeError as error:
        raise _argument_error(env_id, error) from error
    mark_origin(task, origin_of(env_id, task, kwargs))
    if max_episode_steps is None:
        return task
    check_whole("max_episode_steps", max_episode_steps, 1)
    task = copy(task)
    task.horizon = min(task.horizon, int(max_episode_steps))
    return task


def _argument_error(env_id: str, error: TypeError) -> Exception:
    """Return a ValueError that names an unknown argument; any other TypeError as it is."""
    found = re.search(r"(?:unexpected|multiple values for) keyword argument '(\w+)'", str(error))
    if found is None:
        return error
    known = ", ".join(name for name in known_arguments(spec(env_id)) if name != found[1])
    return ValueError(f"{env_id} takes no argument {found[1]!r}; it takes {known}")


def known_arguments(entry: Spec) -> list[str]:
    """Return the names of the arguments that an id takes: its factory's and its parameters'."""
    parameters = inspect.signature(entry.make_task).parameters.values()
    named = [parameter.name for parameter in parameters if parameter.kind is not parameter.VAR_KEYWORD]
    if len(named) == len(parameters):
        return named
    params = getattr(entry.make_task(), "params", None)
    own = [field.name for field in fields(params)] if is_dataclass(params) else []
    return list(dict.fromkeys([*named, *own]))


def make_env(env_id: str, render_mode: str | None = None, **kwargs: Any) -> EcomEnv:
    """Build the gymnasium.Env of an id (gymnasium's entry point)."""
    return EcomEnv(make_task(env_id, **kwargs), render_mode=render_mode)


# gymnasium reads it off the entry point: with it, render_mode="human" opens a window over "rgb_array".
make_env.metadata = EcomEnv.metadata  # type: ignore[attr-defined]


def make_vector_env(
    env_id: str,
    num_envs: int = 1,
    render_mode: str | None = None,
    autoreset_mode: str | AutoresetMode = AutoresetMode.SAME_STEP,
    **kwargs: Any,
) -> EcomVectorEnv:
    """Build the gymnasium.vector.VectorEnv of an id (gymnasium's entry point)."""
    return EcomVectorEnv(make_task(env_id, **kwargs), num_envs, render_mode, autoreset_mode)
