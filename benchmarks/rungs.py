"""The policies of a ladder: what is trained and measured, and the rows that come of it."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from constants import PLAIN_ACTIONS, constant_policy, search_constant
from episodes import BOUNDS, Episodes, Measured, stack
from tqdm import tqdm
from training import cpu_seconds, entry_mark, model_path, policy_path, train, zoo_entry

import sb3_ecom
from sb3_ecom.core.statistics import difference, estimate_mean
from sb3_ecom.sb3.saved_model import load_policy

Kind = Literal["learner", "baseline", "privileged", "random", "constant", "bound"]
COLUMNS = (
    *("policy", "kind", "seeds", "episodes", "return", "stderr", "low", "high", "score", "against", "minus"),
    *("minus_stderr", "minus_low", "minus_high", "learner_minus", "learner_minus_stderr", "budget", "cpu_s"),
)


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What a ladder is to hold."""

    env_id: str
    algo: str = "ppo"
    seeds: int = 5
    episodes: int = 4096
    episode_seed: int = 7
    policies: tuple[str, ...] = ("zoo",)  # classes to train; "zoo" is the entry's own
    rules: tuple[str, ...] | None = None  # baselines and privileged policies; None is all
    search_episodes: int = 0  # of the search of a constant action; 0 takes the known one
    env_kwargs: Mapping[str, Any] = field(default_factory=dict)
    train_kwargs: Mapping[str, Any] = field(default_factory=dict)  # on top of `env_kwargs`, in training
    hyperparams: Mapping[str, Any] = field(default_factory=dict)  # instead of the entry's
    packages: tuple[str, ...] = ()  # modules that a training imports first
    folder: Path

    @property
    def suffix(self) -> str:
        """What the results' name adds for what is not as shipped."""
        changed = {**self.env_kwargs, **self.train_kwargs, **self.hyperparams}
        parts = [f"{name}-{value}" for name, value in changed.items()]
        parts += [] if self.algo == "ppo" else [self.algo]
        parts += [] if self.policies == ("zoo",) else [*self.policies]
        parts += [] if self.rules is None else ["some-rules"]
        return "".join("_" + re.sub(r"[^\w.-]+", "-", part).strip("-") for part in parts)[:120]

    def entry(self, policy: str) -> dict[str, Any]:
        """Return the zoo entry with this policy class and what else is changed."""
        changes: dict[str, Any] = dict(self.hyperparams)
        if policy != "zoo":
            changes["policy"] = policy_path(policy)
        if self.env_kwargs or self.train_kwargs:
            changes["env_kwargs"] = {**self.env_kwargs, **self.train_kwargs}
        return zoo_entry(self.algo, self.env_id, changes)


@dataclass(frozen=True, kw_only=True)
class Rung:
    """One policy's returns."""

    policy: str
    kind: Kind
    measured: Measured
    budget: str = ""  # of its training or search
    cpu_s: float | None = None  # processor seconds of a training, mean over the seeds


class Ladder:
    """Measures the policies of a plan, one after the other."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.spec = sb3_ecom.spec(plan.env_id)
        self.episodes = Episodes(
            env_id=plan.env_id,
            count=plan.episodes,
            seed=plan.episode_seed,
            folder=plan.folder,
            kwargs=plan.env_kwargs,
        )
        unknown = set(plan.rules or ()) - {*self.spec.baselines, *self.spec.privileged}
        if unknown:
            raise ValueError(f"--rules of {plan.env_id} has none of the name {', '.join(sorted(unknown))}")

    def measure(self) -> list[Rung]:
        """Return the rungs, worst first."""
        jobs = list(self._jobs())
        rungs = []
        with tqdm(jobs, desc=self.plan.env_id, unit="job", dynamic_ncols=True) as bar:
            for name, job in bar:
                bar.set_postfix_str(name)
                rung = job()
                rungs += [] if rung is None else [rung]
        return sorted(rungs, key=lambda rung: float(rung.measured.returns.mean()))

    def _jobs(self) -> Iterator[tuple[str, Callable[[], Rung | None]]]:
        plan, spec = self.plan, self.spec
        yield "random", lambda: self._named("random", "random")
        for kind, rules in (("baseline", spec.baselines), ("privileged", spec.privileged)):
            for name in rules:
                if plan.rules is None or name in plan.rules:
                    yield name, lambda name=name, kind=kind: self._named(name, kind)
        if plan.search_episodes or (spec.best_constant is not None and not plan.env_kwargs):
            yield "best constant action", self._constant
        if plan.env_id in BOUNDS:
            yield "bound", self._bound
        if plan.seeds:
            for policy in plan.policies:
                for seed in range(plan.seeds):
                    yield f"{policy}, seed {seed}", lambda policy=policy, seed=seed: self._train(policy, seed)
                yield policy, lambda policy=policy: self._learner(policy)

    def _named(self, name: str, kind: Kind) -> Rung:
        return Rung(policy=name, kind=kind, measured=self.episodes.measure(name, lambda: name))

    def _bound(self) -> Rung | None:
        found = self.episodes.bound()
        name = "bound of the same episodes"
        return None if found is None else Rung(policy=name, kind="bound", measured=found)

    def _constant(self) -> Rung:
        plan, kwargs, name = self.plan, {}, "known_constant"
        action, budget = self.spec.best_constant, ""
        if plan.search_episodes:
            kwargs = PLAIN_ACTIONS.get(plan.env_id, {})
            name = f"constant_{plan.search_episodes}"
            action, budget = self._searched(name)
        measured = self.episodes.measure(name, lambda: constant_policy(action), **kwargs)
        return Rung(policy="best constant action", kind="constant", measured=measured, budget=budget)

    def _searched(self, name: str) -> tuple[Any, str]:
        """Return the constant found and the search's budget; they are kept beside the returns."""
        plan = self.plan
        path = self.episodes.folder_of("constants") / f"{name}.json"
        if not path.is_file():
            found = search_constant(plan.env_id, episodes=plan.search_episodes, **plan.env_kwargs)
            path.parent.mkdir(parents=True, exist_ok=True)
            kept = {"action": getattr(found.action, "tolist", lambda: found.action)(), "budget": found.budget}
            path.write_text(json.dumps(kept), encoding="utf-8")
            print(f"\n{plan.env_id}: best constant action {kept['action']}, {found.budget}", flush=True)
        kept = json.loads(path.read_text(encoding="utf-8"))
        space = self.spec.make_task(**{**PLAIN_ACTIONS.get(plan.env_id, {}), **plan.env_kwargs}).action_space
        return space.dtype.type(kept["action"]), kept["budget"]

    def _train(self, policy: str, seed: int) -> None:
        plan, entry = self.plan, self.plan.entry(policy)
        path = train(plan.folder, plan.algo, plan.env_id, entry, seed, plan.packages)
        self._run(path, entry, seed)

    def _run(self, path: Path, entry: dict[str, Any], seed: int) -> Measured:
        plan = self.plan

        def load() -> Any:
            task = self.spec.make_task(**plan.env_kwargs)
            return load_policy(path, task, plan.algo.removesuffix("_device"))

        return self.episodes.measure(f"{plan.algo}-{entry_mark(entry)}-{seed}", load)

    def _learner(self, policy: str) -> Rung:
        plan, entry = self.plan, self.plan.entry(policy)
        paths = [model_path(plan.folder, plan.algo, plan.env_id, entry, seed) for seed in range(plan.seeds)]
        runs = [self._run(path, entry, seed) for seed, path in enumerate(paths)]
        return Rung(
            policy=plan.algo.upper() + ("" if policy == "zoo" else f" {policy}"),
            kind="learner",
            measured=stack(runs),
            budget=f"{int(entry['n_timesteps'])} steps a seed",
            cpu_s=sum(map(cpu_seconds, paths)) / len(paths),
        )


def best(rungs: Sequence[Rung], kind: Kind) -> Rung | None:
    """Return the best rung of a kind, if there is one."""
    found = [rung for rung in rungs if rung.kind == kind]
    return max(found, key=lambda rung: float(rung.measured.returns.mean()), default=None)


def first_learner(rungs: Sequence[Rung], algo: str) -> Rung | None:
    """Return the zoo entry's rung, or else the best learner's."""
    own = [rung for rung in rungs if rung.kind == "learner" and rung.policy == algo.upper()]
    return own[0] if own else best(rungs, "learner")


def make_rows(plan: Plan, rungs: Sequence[Rung], against: str | None = None) -> list[dict[str, Any]]:
    """Return the table; `minus` is the difference to the best baseline, or to the policy `against`.

    Raises:
        ValueError: if the ladder has no policy `against`.
    """
    named = {rung.policy: rung for rung in rungs}
    if against is not None and against not in named:
        raise ValueError(f"--against must be one of {', '.join(named)}, got {against!r}")
    other = named[against] if against else best(rungs, "baseline")
    learner = first_learner(rungs, plan.algo)
    return [make_row(plan, rung, other, learner) for rung in rungs]


def make_row(plan: Plan, rung: Rung, other: Rung | None, learner: Rung | None) -> dict[str, Any]:
    """Return one policy's cells."""
    returns = rung.measured.returns
    found = estimate_mean(returns)
    spec = sb3_ecom.spec(plan.env_id)
    row: dict[str, Any] = {
        "policy": rung.policy,
        "kind": rung.kind,
        "seeds": len(returns) if returns.ndim > 1 else "",
        "episodes": plan.episodes,
        "budget": rung.budget,
        "cpu_s": "" if rung.cpu_s is None else round(rung.cpu_s),
        # A score is of the arguments that random and best known were measured with.
        "score": "" if plan.env_kwargs else f"{spec.score(found.mean):.4f}",
        **{name: f"{value:.4g}" for name, value in rung.measured.metrics.items()},
        **numbers(("return", "stderr", "low", "high"), found),
    }
    if other is not None and rung is not other:
        row["against"] = other.policy
        minus = difference(returns, other.measured.returns)
        row |= numbers(("minus", "minus_stderr", "minus_low", "minus_high"), minus)
    if learner is not None and rung is not learner:
        minus = difference(learner.measured.returns, returns)
        row |= numbers(("learner_minus", "learner_minus_stderr"), minus)
    return row


def oracle_row(plan: Plan, rungs: Sequence[Rung]) -> dict[str, Any]:
    """Return the row of what the id's oracle says of these arguments; it met other episodes, if any."""
    oracle = sb3_ecom.spec(plan.env_id).oracle(**plan.env_kwargs)
    row: dict[str, Any] = {"policy": f"oracle ({oracle.kind})", "kind": "oracle"}
    row |= numbers(("return", "stderr"), (oracle.value, oracle.stderr))
    learner = first_learner(rungs, plan.algo)
    if learner is not None:
        own = estimate_mean(learner.measured.returns)
        gap = (own.mean - oracle.value, math.hypot(own.stderr, oracle.stderr))
        row |= numbers(("learner_minus", "learner_minus_stderr"), gap)
    return row


def numbers(names: Sequence[str], values: Sequence[float]) -> dict[str, str]:
    """Return the values as texts of six digits."""
    return {name: f"{value:.6g}" for name, value in zip(names, values, strict=False)}
