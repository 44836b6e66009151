"""A decision tree that imitates a policy: rules to read, with how well they hold."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from gymnasium import spaces
from stable_baselines3.common.evaluation import evaluate_policy
from stable_baselines3.common.vec_env import VecEnv

from sb3_ecom.core.arrays import Array
from sb3_ecom.core.checks import check_at_least, check_number
from sb3_ecom.core.extras import import_extra
from sb3_ecom.sb3.explain.parts import feature_names, policy_layout
from sb3_ecom.sb3.explain.states import States, collect_states


class TreeSurrogate:
    """A tree in a policy's place. It has SB3's `predict`, so `sb3_ecom.evaluate` takes it, too.

    Attributes:
        tree: scikit-learn's DecisionTreeClassifier, or a DecisionTreeRegressor for Box actions.
        names: of the floats of an observation, as the rules call them.
        fidelity: on states held out: share of equal actions (of equal components for MultiDiscrete), or
            R^2 averaged over the components that vary, for Box actions.
        states: that the tree was fitted to.
    """

    def __init__(self, tree: Any, space: spaces.Space[Any], names: list[str]) -> None:
        self.tree = tree
        self.names = names
        self.fidelity = float("nan")
        self.states = 0
        self._space = space

    @property
    def is_regression(self) -> bool:
        """Whether `fidelity` is a share of variance, not of equal actions."""
        return isinstance(self._space, spaces.Box)

    def predict(self, observation: Array, *_: Any, **__: Any) -> tuple[Array, None]:
        """Return the actions (n, ...) at observations (n, d), and no state; as SB3's models do."""
        rows = np.asarray(observation).reshape(-1, len(self.names))
        found = self.tree.predict(rows).reshape(len(rows), *(self._space.shape or ()))
        if isinstance(self._space, spaces.Box):
            found = np.clip(found, self._space.low, self._space.high)
        return found.astype(self._space.dtype), None

    def agreement(self, states: States) -> float:
        """Return the share of equal actions, or R^2 for Box actions, on given states."""
        found = self.predict(states.observations)[0]
        if not isinstance(self._space, spaces.Box):
            return float((found == states.actions).mean())
        wanted = states.actions.reshape(len(found), -1)
        variance = wanted.var(0)
        error = ((found.reshape(wanted.shape) - wanted) ** 2).mean(0)
        varies = variance > 1e-12
        if not varies.any():
            return float(np.allclose(error, 0.0, atol=1e-6))
        return float(1.0 - (error[varies] / variance[varies]).mean())

    def rules(self) -> str:
        """Return the tree as text."""
        from sklearn.tree import export_text

        text: str = export_text(self.tree, feature_names=self.names, max_depth=self.tree.get_depth() or 1)
        return text

    def own_return(self, venv: VecEnv, episodes: int = 100) -> tuple[float, float]:
        """Return mean return per episode and its standard error when the tree acts alone.

        Raises:
            ValueError: if `episodes` < 2.
        """
        check_at_least("episodes", episodes, 2)
        returns: Any = evaluate_policy(
            self,  # type: ignore[arg-type]
            venv,
            episodes,
            return_episode_rewards=True,
            warn=False,
        )[0]
        return float(np.mean(returns)), float(np.std(returns, ddof=1) / np.sqrt(len(returns)))


def fit_tree(
    model: Any,
    venv: VecEnv,
    *,
    states: int = 20_000,
    depth: int = 4,
    rounds: int = 2,
    held_out: float = 0.25,
    seed: int = 0,
    names: Sequence[str] | None = None,
) -> TreeSurrogate:
    """Fit a tree to a policy's deterministic actions.

    The first round walks with the policy. Every further one walks with the tree so far and asks the policy
    what it would do there, so the tree also learns to come back from its own mistakes. Some copies are held
    out of every round; their states, on the policy's own way, tell the fidelity.

    Args:
        model: of SB3, flat Box observations, actions Discrete, MultiDiscrete or Box.
        venv: at least 2 copies; it is reset.
        states: in all, over the rounds, >= 1.
        depth: levels of rules, >= 1.
        rounds: >= 1.
        held_out: share of the copies in (0, 1); at least one copy is held out and one is not.
        seed: of ties between rules.
        names: of the floats of an observation, for the rules; by default their places.

    Raises:
        ValueError: if an argument is out of range.
        ImportError: without scikit-learn.

    Source: Bastani et al. (2018), Verifiable reinforcement learning via policy extraction, section 3.1
        (its data aggregation; samples are not weighted by what a mistake costs).
    """
    layout = policy_layout(model)
    for name, value in (("states", states), ("depth", depth), ("rounds", rounds)):
        check_at_least(name, value, 1)
    check_number("held_out", held_out, above=0, below=1)
    if venv.num_envs < 2:
        raise ValueError(f"venv must have >= 2 copies, one to fit and one to hold out, got {venv.num_envs}")
    for_fit = venv.num_envs - min(max(round(held_out * venv.num_envs), 1), venv.num_envs - 1)
    surrogate = TreeSurrogate(
        _new_tree(model.action_space, depth, seed), venv.action_space, list(names or feature_names(layout))
    )
    parts: list[States] = []
    for turn in range(rounds):
        seen = collect_states(model, venv, -(-states // rounds), actor=surrogate if turn else None)
        if turn == 0:
            test = _of_copies(seen, seen.copies >= for_fit)
        parts.append(_of_copies(seen, seen.copies < for_fit))
        rows, labels = (np.concatenate([part[column] for part in parts]) for column in (0, 1))
        surrogate.tree.fit(rows, labels.reshape(len(rows), -1) if labels.ndim > 1 else labels)
    surrogate.states = len(rows)
    surrogate.fidelity = surrogate.agreement(test)
    return surrogate


def _of_copies(states: States, chosen: Array) -> States:
    return States(*(column[chosen] for column in states))


def _new_tree(space: spaces.Space[Any], depth: int, seed: int) -> Any:
    tree = import_extra("sklearn.tree", "explain", "the tree that imitates a policy")
    if isinstance(space, spaces.Box):
        return tree.DecisionTreeRegressor(max_depth=depth, random_state=seed)
    if isinstance(space, spaces.Discrete | spaces.MultiDiscrete):
        return tree.DecisionTreeClassifier(max_depth=depth, random_state=seed)
    raise ValueError(f"actions must be Discrete, MultiDiscrete or Box, got {space}")
