"""Returns of policies in common episodes, kept in a folder so that nothing is simulated twice."""

from __future__ import annotations

import hashlib
import json
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from studies.records import commit

import sb3_ecom
from sb3_ecom.core.arrays import Floats
from sb3_ecom.core.evaluate import chunks
from sb3_ecom.core.files import open_whole, write_whole
from sb3_ecom.envs.advertising.auto_bidding import oracle as auto_bidding
from sb3_ecom.envs.advertising.channel import oracle as channel
from sb3_ecom.envs.advertising.keyword import oracle as keyword
from sb3_ecom.envs.advertising.pacing import oracle as pacing


def channel_bounds(task: Any, n: int, seed: int) -> Floats:
    """Return the (n,) bounds of the campaigns of `StepLoop(task, n)` after `reset(seed)`."""
    return channel.bounds(channel.campaigns_of(task, n, seed))


#: The most that could be had in each of the episodes of `StepLoop(task, n)` after `reset(seed)`.
BOUNDS: dict[str, Callable[[Any, int, int], Floats]] = {
    "EcomAds-v0": pacing.hindsight,
    "EcomAdsAuto-v0": auto_bidding.hindsight,
    "EcomAdsKeyword-v0": keyword.bounds,
    "EcomAdsChannel-v0": channel_bounds,
}


@dataclass(frozen=True, kw_only=True)
class Measured:
    """Returns of a policy and its metrics."""

    returns: Floats  # (episodes,), or (seeds, episodes) of a learner
    metrics: Mapping[str, float]


@dataclass(frozen=True, kw_only=True)
class Episodes:
    """The episodes of an id that every policy meets, and the folder that keeps their returns.

    A folder belongs to one state of the simulator: returns of another commit are used with a warning, and are
    to be deleted when the simulator has changed.
    """

    env_id: str
    count: int
    seed: int
    folder: Path
    kwargs: Mapping[str, Any] = field(default_factory=dict)

    def measure(self, name: str, make: Callable[[], Any], **kwargs: Any) -> Measured:
        """Return what a policy earns; `make()` is called only if the folder does not hold it.

        Args:
            name: of the policy, under which its returns are kept.
            make: gives what `sb3_ecom.evaluate` takes.
            **kwargs: of the environment, for this policy only: another reading of its actions.
        """

        def compute() -> Measured:
            found = sb3_ecom.evaluate(
                self.env_id, make(), episodes=self.count, seed=self.seed, **{**self.kwargs, **kwargs}
            )
            return Measured(returns=found.returns, metrics=found.metrics)

        return self._keep(name, compute)

    def bound(self) -> Measured | None:
        """Return the most that could be had in each episode, where the id has a function for it."""
        if self.env_id not in BOUNDS:
            return None

        def compute() -> Measured:
            task = sb3_ecom.spec(self.env_id).make_task(**self.kwargs)
            parts = [
                BOUNDS[self.env_id](task, copies, seed) for copies, seed in chunks(self.count, self.seed)
            ]
            return Measured(returns=np.concatenate(parts), metrics={})

        return self._keep("bound", compute)

    def holds(self, name: str) -> bool:
        """Return whether the folder holds the returns of this policy."""
        return self._path(name).is_file()

    def note(self, name: str, text: str) -> None:
        """Keep a line about a policy beside its returns."""
        path = self._path(name).with_suffix(".txt")
        path.parent.mkdir(parents=True, exist_ok=True)
        write_whole(path, text.encode())

    def noted(self, name: str) -> str:
        """Return the line that `note` kept; empty where there is none."""
        path = self._path(name).with_suffix(".txt")
        return path.read_text(encoding="utf-8") if path.is_file() else ""

    def folder_of(self, what: str) -> Path:
        """Return the folder that keeps something of these episodes."""
        key = json.dumps([self.count, self.seed, self.kwargs], sort_keys=True, default=list)
        return self.folder / what / self.env_id / hashlib.sha256(key.encode()).hexdigest()[:8]

    def _path(self, name: str) -> Path:
        return self.folder_of("returns") / f"{name}.npz"

    def _keep(self, name: str, compute: Callable[[], Measured]) -> Measured:
        path = self._path(name)
        if not path.is_file():
            found = compute()
            path.parent.mkdir(parents=True, exist_ok=True)
            metrics = json.dumps(dict(found.metrics))
            with open_whole(path) as file:
                np.savez(file, returns=found.returns, metrics=metrics, commit=commit())
        with np.load(path) as kept:
            if str(kept["commit"]) != commit():
                text = f"{path.parent} holds returns of commit {kept['commit']}, this is {commit()}"
                warnings.warn(text, stacklevel=3)
            returns = np.asarray(kept["returns"], dtype=np.float64)
            return Measured(returns=returns, metrics=json.loads(str(kept["metrics"])))


def stack(runs: list[Measured]) -> Measured:
    """Return the runs of several seeds in the same episodes as one table."""
    names = runs[0].metrics
    return Measured(
        returns=np.stack([run.returns for run in runs]),
        metrics={name: float(np.mean([run.metrics[name] for run in runs])) for name in names},
    )
