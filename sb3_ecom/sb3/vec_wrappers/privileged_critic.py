"""Expected advantages by a critic that sees the simulator's state and learns beside the policy."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from torch import nn

from sb3_ecom.core.arrays import Array
from sb3_ecom.core.checks import check_above, check_at_least
from sb3_ecom.core.transition_model import Outcomes, TransitionModel

_BATCH = 2048  # states of one gradient step
_SEED = 0  # of the critic's first weights and of its batches


class PrivilegedCritic:
    """Expected advantage of steps: reward plus discounted value of the next state, less the state's value.

    The value V is a small network of the state's features. Its targets are expectations over all that may
    follow a step, so neither a click nor a departure adds noise to them: one pass over the states of the last
    `every` steps is one iteration of fitted policy evaluation (expected TD(0)), and V follows the policy as
    that learns. Whatever V is, the advantages of an episode are in expectation its return less V of the start
    (the performance difference lemma), so that policies are ranked as by the reward itself.

    That holds of the sum over an episode, which a learner sees with ``gae_lambda: 1``. With
    ``gae_lambda: 0``, as zoo entries have it, each step's advantage counts by itself: an error of V then
    shifts the advantages of actions that lead to states of different error, and biases the gradient, not
    only the baseline. Between the two, lambda trades that bias for the noise of later steps.

    Args:
        transition_model: of the task.
        discount: of the learner, in [0, 1].
        hidden: units of each of V's two layers, >= 1.
        learning_rate: of V's Adam, > 0.
        epochs: passes over the states of the last `every` steps, >= 0 (0: V stays as it is).
        every: steps between two rounds of learning, >= 1.

    Raises:
        ValueError: naming the parameter, its bound and its value.

    Source:
        S. Kakade, J. Langford, "Approximately optimal approximate reinforcement learning", ICML 2002
        (lemma 6.1); a critic that sees the simulator's state: L. Pinto et al., "Asymmetric actor critic for
        image-based robot learning", RSS 2018; expectations in place of samples: H. van Seijen et al., "A
        theoretical and empirical analysis of Expected Sarsa", ADPRL 2009.
    """

    def __init__(
        self,
        transition_model: TransitionModel,
        discount: float,
        *,
        hidden: int = 128,
        learning_rate: float = 1e-3,
        epochs: int = 2,
        every: int = 8,
    ) -> None:
        for name, value, least in (("hidden", hidden, 1), ("epochs", epochs, 0), ("every", every, 1)):
            check_at_least(name, value, least)
        check_above("learning_rate", learning_rate, 0)
        self._transition_model, self._discount = transition_model, discount
        self._epochs, self._every = epochs, every
        self._generator = torch.Generator().manual_seed(_SEED)
        self._network = _build(transition_model.size, hidden)
        self._optimizer = torch.optim.Adam(self._network.parameters(), lr=learning_rate)
        self._samples: list[tuple[Array, Array]] = []  # features of states, targets of V

    def snapshot(self, state: Any) -> Any:
        """Return what `__call__` must know of the state before the step."""
        return self._transition_model.snapshot(state)

    def value(self, snapshot: Any) -> Array:
        """Return the (n,) values of states."""
        return self._value(self._transition_model.features(snapshot))

    def __call__(self, snapshot: Any, step_info: Mapping[str, Array]) -> Array:
        """Return the (n,) float32 expected advantage of a step, and learn from it."""
        features = self._transition_model.features(snapshot)
        outcomes = self._transition_model.outcomes(snapshot, step_info)
        n, cases, width = outcomes.next_features.shape
        values = self._value(features)
        next_values = self._value(outcomes.next_features.reshape(-1, width)).reshape(n, cases)
        target = self._target(outcomes, next_values)
        if self._epochs:
            self._samples.append((features, target))
            if len(self._samples) == self._every:
                self._learn()
        return target - values

    def _target(self, outcomes: Outcomes, next_values: Array) -> Array:
        """Return the (n,) expected reward plus discounted value of the next state."""
        after = self._discount * outcomes.continue_prob * next_values
        return np.asarray((outcomes.probabilities * (outcomes.rewards + after)).sum(1), dtype=np.float32)

    def _value(self, features: Array) -> Array:
        """Return V of (m, F) features, (m,)."""
        with torch.no_grad():
            value: Array = self._network(torch.from_numpy(features))[:, 0].numpy()
        return value

    def _learn(self) -> None:
        """Fit V to the targets of the last steps."""
        features, targets = (
            torch.from_numpy(np.concatenate(parts)) for parts in zip(*self._samples, strict=True)
        )
        self._samples = []
        for _ in range(self._epochs):
            for rows in torch.split(torch.randperm(len(features), generator=self._generator), _BATCH):
                loss = nn.functional.mse_loss(self._network(features[rows])[:, 0], targets[rows])
                self._optimizer.zero_grad()
                loss.backward()  # type: ignore[no-untyped-call]
                self._optimizer.step()


def _build(width: int, hidden: int) -> nn.Sequential:
    with torch.random.fork_rng(devices=[]):  # the learner's own numbers stay what they were
        torch.manual_seed(_SEED)
        return nn.Sequential(
            *(nn.Linear(width, hidden), nn.ReLU(inplace=True)),
            *(nn.Linear(hidden, hidden), nn.ReLU(inplace=True)),
            nn.Linear(hidden, 1),
        )
