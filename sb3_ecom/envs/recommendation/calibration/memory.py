"""Predictive value of a visitor's history: two next-item models, one of which sees the last item only."""

from __future__ import annotations

from typing import Any

import numpy as np

from sb3_ecom.core.arrays import Array
from sb3_ecom.envs.recommendation.calibration.sessions import Sessions, batches

_LONGEST = 41  # clicks of a session that are used
_HELD_OUT = 0.2  # of the sessions
_STEPS = 1500  # of the optimiser, at least
_EPOCHS = (10, 60)  # fewest and most
_RATE = 8e-3


def memory_gap(sessions: Sessions, seed: int = 0, max_sessions: int = 24_000) -> tuple[float, float]:
    """Return the held-out next-item loss (nats per click) from the last item alone and from a GRU.

    Both models have an embedding of 32, 64 hidden units and dropout 0.25, are trained with the same
    schedule, and are scored on the same 20% of the sessions. Their difference is what the session says
    beyond its last click.

    Args:
        sessions: a real or a simulated log.
        seed: of initial weights, batches and the split.
        max_sessions: the first so many sessions are used, so that a big log costs no more than two minutes.

    Raises:
        ValueError: if no held-out session has a second click.
    """
    count = min(sessions.num_sessions, max_sessions)
    order = np.random.default_rng([seed, 1]).permutation(count)
    held = int(np.ceil(_HELD_OUT * count))
    test = batches(sessions, order[:held], _LONGEST)
    if not test or held == count:
        raise ValueError(
            "memory_gap needs sessions of two or more clicks to train on and to hold out, got too few"
        )
    last, history = (_loss(sessions, order[held:], test, recurrent, seed) for recurrent in (False, True))
    return last, history


def _loss(sessions: Sessions, train: Array, test: list[Array], recurrent: bool, seed: int) -> float:
    import torch
    from torch.nn.functional import cross_entropy

    generator = np.random.default_rng([seed, 2])
    per_epoch = batches(sessions, train, _LONGEST)
    epochs = int(np.clip(np.ceil(_STEPS / max(1, len(per_epoch))), *_EPOCHS))
    scale = max(1.0, sum(_transitions(sessions, rows) for rows in per_epoch) / max(1, len(per_epoch)))
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = _model(sessions.num_items, recurrent)
        optimiser = torch.optim.Adam(model.parameters(), lr=_RATE)
        schedule = torch.optim.lr_scheduler.OneCycleLR(
            optimiser, _RATE, total_steps=max(2, epochs * len(per_epoch)), pct_start=0.15
        )
        model.train()
        for _ in range(epochs):
            for rows in batches(sessions, train, _LONGEST, shuffle=generator):
                inputs, targets, real = _pairs(sessions, rows)
                loss = cross_entropy(model(inputs)[real], targets[real], reduction="sum") / scale
                optimiser.zero_grad()
                loss.backward()  # type: ignore[no-untyped-call]
                optimiser.step()
                schedule.step()
        model.eval()
        total, count = 0.0, 0
        with torch.no_grad():
            for rows in test:
                inputs, targets, real = _pairs(sessions, rows)
                total += float(cross_entropy(model(inputs)[real], targets[real], reduction="sum"))
                count += int(real.sum())
    return total / count


def _transitions(sessions: Sessions, rows: Array) -> int:
    return int((np.minimum(sessions.lengths[rows], _LONGEST) - 1).sum())


def _pairs(sessions: Sessions, rows: Array) -> tuple[Any, Any, Any]:
    """Return (B, T) clicked items, the items clicked next, and which of these are real."""
    import torch

    padded = torch.from_numpy(sessions.padded(rows, _LONGEST).astype(np.int64))
    return padded[:, :-1].clamp_min(0), padded[:, 1:], padded[:, 1:] >= 0


def _model(num_items: int, recurrent: bool) -> Any:
    from torch import nn

    class NextItem(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.embedding = nn.Embedding(num_items, 32)
            self.memory = nn.GRU(32, 64, batch_first=True) if recurrent else nn.Linear(32, 64)
            self.head = nn.Linear(64, num_items)
            self.dropout = nn.Dropout(0.25)

        def forward(self, items: Any) -> Any:
            hidden = self.memory(self.dropout(self.embedding(items)))
            hidden = hidden[0] if recurrent else hidden.tanh()
            return self.head(self.dropout(hidden))

    return NextItem()
