"""The policies of a ladder: what is trained, and what is measured in which episodes."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import numpy as np
from constants import constant_policy, search_constant
from episodes import BOUNDS, Episodes, Measured, stack
from gymnasium import spaces
from supervised import RANKERS, fit_supervised, has_rankers
from tqdm import tqdm
from training import cpu_seconds, entry_mark, model_path, policy_path, train, zoo_entry

import sb3_ecom
from sb3_ecom.core.files import write_whole
from sb3_ecom.core.parametric import Parametric
from sb3_ecom.sb3.saved_model import load_policy

ZERO = "always action 0"

Kind = Literal["learner", "supervised", "baseline", "privileged", "random", "constant", "bound"]


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
    pages: int = 0  # of each round's log, in visits, to which supervised rankers are fitted; 0: no such rungs
    search_episodes: int = 0  # of the search of a constant action; 0 takes the known one
    env_kwargs: Mapping[str, Any] = field(default_factory=dict)
    train_kwargs: Mapping[str, Any] = field(default_factory=dict)  # on top of `env_kwargs`, in training
    hyperparams: Mapping[str, Any] = field(default_factory=dict)  # instead of the entry's
    packages: tuple[str, ...] = ()  # modules that a training imports first
    folder: Path

    @property
    def suffix(self) -> str:
        """What the results' name adds for what is not as shipped; the table's first line has the command."""
        parts = [f"{name}-{value}" for name, value in self.env_kwargs.items()]
        parts += [] if self.algo == "ppo" else [self.algo]
        changed = [self.train_kwargs, self.hyperparams, self.policies, self.rules]
        if changed != [{}, {}, ("zoo",), None]:
            parts.append(entry_mark({"changed": changed}))
        return "".join("_" + re.sub(r"[^\w.-]+", "-", part).strip("-") for part in parts)

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
        yield from self._yardsticks()
        if plan.pages and has_rankers(spec.make_task(**plan.env_kwargs)):
            for name in RANKERS:
                yield name, lambda name=name: self._supervised(name)
        if plan.seeds:
            for policy in plan.policies:
                for seed in range(plan.seeds):
                    yield f"{policy}, seed {seed}", lambda policy=policy, seed=seed: self._train(policy, seed)
                yield policy, lambda policy=policy: self._learner(policy)

    def _yardsticks(self) -> Iterator[tuple[str, Callable[[], Rung | None]]]:
        """Yield what is no policy: constants and the bound."""
        plan, spec = self.plan, self.spec
        if isinstance(spec.make_task(**plan.env_kwargs).action_space, spaces.Box):
            yield "zero action", self._zero
        if plan.search_episodes or (spec.best_constant is not None and not plan.env_kwargs):
            yield "best constant action", self._constant
        if plan.env_id in BOUNDS:
            yield "bound", self._bound

    def _named(self, name: str, kind: Kind) -> Rung:
        rule = self.spec.baselines.get(name)
        kept, budget = name, ""
        if isinstance(rule, Parametric):  # other numbers are another policy
            kept, budget = f"{name}-{entry_mark(rule.present)}", rule.budget
        return Rung(policy=name, kind=kind, measured=self.episodes.measure(kept, lambda: name), budget=budget)

    def _supervised(self, name: str) -> Rung:
        plan = self.plan

        def fit() -> Any:
            found = fit_supervised(plan.env_id, name, plan.pages, plan.env_kwargs)
            self.episodes.note(name_kept, found.budget)
            return found.policy

        name_kept = f"{name}-{plan.pages}"
        measured = self.episodes.measure(name_kept, fit)
        budget = self.episodes.noted(name_kept)
        return Rung(policy=name, kind="supervised", measured=measured, budget=budget)

    def _bound(self) -> Rung | None:
        found = self.episodes.bound()
        name = "bound of the same episodes"
        return None if found is None else Rung(policy=name, kind="bound", measured=found)

    def _zero(self) -> Rung:
        space = self.spec.make_task(**self.plan.env_kwargs).action_space
        policy = constant_policy(np.zeros(space.shape, space.dtype))
        measured = self.episodes.measure("zero_action", lambda: policy)
        return Rung(policy=ZERO, kind="constant", measured=measured)

    def _constant(self) -> Rung:
        plan, kwargs, name = self.plan, self.spec.constant_kwargs, "known_constant"
        action, budget = self.spec.best_constant, ""
        if plan.search_episodes:
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
            write_whole(path, json.dumps(kept).encode())
            print(f"\n{plan.env_id}: best constant action {kept['action']}, {found.budget}", flush=True)
        kept = json.loads(path.read_text(encoding="utf-8"))
        space = self.spec.make_task(**{**self.spec.constant_kwargs, **plan.env_kwargs}).action_space
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
