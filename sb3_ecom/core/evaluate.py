"""Policy x task -> mean return, standard error, metrics and score, with common random numbers."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from copy import copy
from dataclasses import dataclass
from functools import partial
from typing import Any, NamedTuple

import numpy as np

from sb3_ecom.core.arrays import Array
from sb3_ecom.core.checks import check_at_least
from sb3_ecom.core.loop import StepLoop
from sb3_ecom.core.policies import end_notice
from sb3_ecom.core.registry import Kind, Oracle, Policy, Spec, make_task, spec
from sb3_ecom.core.score_scale import Scale, scale_of, unknown_scale
from sb3_ecom.core.task import Metric, Task

_COPIES = 1024  # episodes that run side by side


class PolicyMaker(NamedTuple):
    """A policy for `evaluate` that is made afresh for each batch of episodes, as baselines are."""

    make: Callable[[Task], Policy]


@dataclass(frozen=True, kw_only=True)
class Result:
    """Result of a policy in episodes that any other policy meets too (same seed)."""

    mean: float  # return per episode, or reward per period (the Spec's `criterion`), in the reward's unit
    stderr: float  # of the mean
    returns: Array  # (episodes,), in the order of the common customers
    metrics: dict[str, float]
    optimum: float | None = None  # proven optimum of `mean`, where the Spec's reference is one
    scale: Callable[[], Scale | str] = unknown_scale  # of scores with these arguments, or why there is none

    @property
    def score(self) -> float | None:
        """(mean - random) / (best known - random) of the arguments at hand; None where that is not known.

        With other arguments than the defaults random and best are computed when this is first asked for, some
        seconds, and kept in the user's cache folder.
        """
        scale = self.scale()
        return None if isinstance(scale, str) else scale.score(self.mean)

    def minus(self, other: Result) -> tuple[float, float]:
        """Return the paired difference of the means and its standard error."""
        if self.returns.shape != other.returns.shape:
            raise ValueError(
                f"both results need the same episodes, got {self.returns.size} and {other.returns.size}"
            )
        difference = self.returns - other.returns
        return float(difference.mean()), _stderr(difference)

    def above_optimum(self, optimum: float | None = None) -> tuple[float, float]:
        """Return by how many percent the cost (minus `mean`) lies above the optimum, and 95% half-width.

        Args:
            optimum: reward of the optimal policy; by default the Spec's, which holds for default kwargs. For
                other kwargs give ``spec(env_id).oracle(**kwargs).value``.

        Raises:
            ValueError: if no optimum is known or it is not a cost (negative).
        """
        best = self.optimum if optimum is None else optimum
        if best is None or not best < 0:
            raise ValueError(f"optimum must be a cost, a reward < 0 (spec(id).oracle().value), got {best}")
        return 100 * (self.mean / best - 1), 100 * 1.96 * self.stderr / -best


def evaluate(
    env_id: str,
    policy: Any = "random",
    *,
    episodes: int = 1000,
    seed: int = 0,
    deterministic: bool = True,
    warmup: int = 100,
    **kwargs: Any,
) -> Result:
    """Run a policy for `episodes` whole episodes.

    Where the id is judged by its average (``criterion="average"``), each episode is preceded by `warmup`
    uncounted periods, and the result is the mean reward per period.

    Copy i of a seed always meets the same customer and the same noise, whatever the policy does, so
    results of one seed compare pairwise (`Result.minus`).

    Args:
        env_id: a registered id.
        policy: a baseline's or privileged policy's name, "random", a callable (n, d) -> actions, a
            `PolicyMaker`, or a model with SB3's `predict`.
        episodes: whole episodes, >= 2.
        seed: of the customers, >= 0.
        deterministic: passed to `predict`.
        warmup: periods before counting starts, for ids judged by their average, >= 0.
        **kwargs: as for `gymnasium.make(env_id, ...)`.

    Raises:
        ValueError: on an unknown id or policy name, fewer than 2 episodes or a negative `warmup`.
    """
    check_at_least("episodes", episodes, 2, "to give a standard error")
    check_at_least("warmup", warmup, 0, "periods")
    entry = spec(env_id)
    task = make_task(env_id, **kwargs)
    average = entry.criterion == "average"
    if average:
        task = copy(task)
        task.horizon += warmup
    totals: list[dict[str, Array]] = []
    for copies, chunk_seed in chunks(episodes, seed):
        loop = StepLoop(task, copies)
        actor = make_policy(entry, loop, policy, deterministic, chunk_seed)
        totals.append(run_episodes(loop, actor, chunk_seed, warmup=warmup if average else 0))
    merged = {name: np.concatenate([part[name] for part in totals]) for name in totals[0]}
    returns = merged["reward"].astype(np.float64)
    if average:
        returns = returns / merged["length"]
    mean = float(returns.mean())
    return Result(
        mean=mean,
        stderr=_stderr(returns),
        returns=returns,
        metrics=summarise(task.metrics, merged),
        optimum=entry.best_known.value if entry.best_known_kind == "optimal" and not kwargs else None,
        scale=partial(scale_of, env_id, kwargs),
    )


def chunks(episodes: int, seed: int) -> Iterator[tuple[int, int]]:
    """Yield (copies, seed) of the loops that `evaluate` runs one after the other."""
    for chunk, start in enumerate(range(0, episodes, _COPIES)):
        yield min(_COPIES, episodes - start), int(np.random.SeedSequence([seed, chunk]).generate_state(1)[0])


def run_episodes(loop: StepLoop, policy: Policy, seed: int, *, warmup: int = 0) -> dict[str, Array]:
    """Run one episode per copy; return counter -> (n,) totals, with "reward" and "length".

    The first `warmup` steps are not counted; no episode may end in them.
    """
    observation = loop.reset(seed)
    for _ in range(warmup):
        observation = loop.step(policy(observation)).observation
    if warmup:
        loop.forget_totals()
    finished = np.zeros(loop.num_envs, dtype=bool)
    totals: dict[str, Array] = {}
    tell_ended = end_notice(policy)
    while not finished.all():
        result = loop.step(policy(observation))
        observation = result.observation
        if result.rows.size:
            tell_ended(result.rows)
            first = ~finished[result.rows]
            for name, values in result.totals.items():
                store = totals.setdefault(name, np.zeros(loop.num_envs))
                store[result.rows[first]] = values[first]
            finished[result.rows] = True
    return totals


def simulate_oracle(
    task: Task,
    policy: Callable[[StepLoop], Policy],
    kind: Kind,
    information: str,
    episodes: int,
    seed: int = 0,
) -> Oracle:
    """Return the mean return of a privileged policy `policy(loop)` as an oracle."""
    loop = StepLoop(task, episodes)
    returns = run_episodes(loop, policy(loop), seed)["reward"]
    return Oracle.from_sample(returns, kind=kind, information=information, policy=policy)


def summarise(metrics: Iterable[Metric], totals: dict[str, Array]) -> dict[str, float]:
    """Return metric -> ratio of sums over the given episodes (NaN where the denominator is 0)."""
    found = {}
    for metric in metrics:
        top = float(np.sum(totals[metric.numerator]))
        episodes = float(len(totals["reward"]))
        bottom = episodes if metric.denominator is None else float(np.sum(totals[metric.denominator]))
        found[metric.name] = top / bottom if bottom else float("nan")
    return found


def make_policy(entry: Spec, loop: StepLoop, policy: Any, deterministic: bool, seed: int) -> Policy:
    """Turn a name, a callable or an SB3 model into a batched policy for the loop's copies."""
    if isinstance(policy, str):
        return _named_policy(entry, loop, policy, seed)
    if isinstance(policy, PolicyMaker):
        return policy.make(loop.task)
    if hasattr(policy, "predict"):
        return ModelPolicy(policy, deterministic)
    if callable(policy):
        return policy  # type: ignore[no-any-return]
    raise ValueError(
        f"policy must be a name, a callable or a model with predict(), got {type(policy).__name__}"
    )


def random_policy(task: Task, num_envs: int, seed: int) -> Callable[[Array], Array]:
    """Return a policy that samples the action space uniformly."""
    from gymnasium.vector.utils import batch_space

    space = batch_space(task.action_space, num_envs)
    space.seed(seed)
    return lambda observation: space.sample()


def _named_policy(entry: Spec, loop: StepLoop, name: str, seed: int) -> Policy:
    if name in entry.baselines:
        return entry.baselines[name](loop.task)
    if name == "random":
        return random_policy(loop.task, loop.num_envs, seed)
    if name in entry.privileged:
        return entry.privileged[name](loop)
    known = dict.fromkeys(["random", *entry.baselines, *entry.privileged])
    raise ValueError(f"policy of {entry.id} must be one of {', '.join(known)}, got {name!r}")


class ModelPolicy:
    """An SB3 model as a batched policy; carries the state of recurrent models across steps."""

    def __init__(self, model: Any, deterministic: bool) -> None:
        self._model = model
        self._deterministic = deterministic
        self._state: Any = None
        self._starts: Array | None = None

    def __call__(self, observation: Array) -> Array:
        """Return the model's actions, (n, ...)."""
        if self._starts is None:
            self._starts = np.ones(len(observation), dtype=bool)
        action, self._state = self._model.predict(
            observation, state=self._state, episode_start=self._starts, deterministic=self._deterministic
        )
        self._starts = np.zeros(len(observation), dtype=bool)
        return action

    def episode_ended(self, rows: Array) -> None:
        """Mark copies whose next observation opens a new episode."""
        if self._starts is not None:
            self._starts[rows] = True


def _stderr(values: Array) -> float:
    return float(values.std(ddof=1) / np.sqrt(values.size))
