"""What do visitors click next? A multinomial logit with a gated linear taste, fitted with torch.

The gates depend on the clicked item alone, as in a diagonal selective state-space model or the minimal GRU
of Feng et al. (2024, arXiv:2410.01201), so the visitor costs a simulator two look-ups and one
multiplication per part. Which items go on with an errand and which start another is what the log's memory
is made of: with one rate for all items the simulated log had half of it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from tqdm import tqdm

from sb3_ecom.core.arrays import Array
from sb3_ecom.envs.recommendation.calibration.sessions import Sessions, batches
from sb3_ecom.envs.recommendation.session.visitor import after_click

PARTS = 48  # D, of the taste
PRIOR_PRECISION = (
    4.0  # of every entry of item factors and click updates: a normal prior of standard deviation .5
)
GATE_PRECISION = 1.0  # of every logit of retention
GATE_MEANS = (
    -2.0,
    3.0,
)  # logits of retention, evenly spread over the parts: from the last click to the whole visit
SCALARS = ("reopen", "repeat")
_STARTS = {"reopen": -0.5, "repeat": 0.0}
_LONGEST = 61  # clicks of a session that are used
_STEPS = 2000  # of the optimiser, at least
_EPOCHS = (12, 60)  # fewest and most
_RATE = 8e-3
_EXACT = 400  # parameters up to which the standard errors take the item vectors' uncertainty into account
_STEP = 1e-2  # of the central differences


@dataclass(frozen=True, kw_only=True)
class ChoiceFit:
    """Maximum a posteriori estimates; see `fit_choice`."""

    quality: Array  # (N,) q, logits
    item_factors: Array  # (N, D) logits per unit of taste
    click_update: Array  # (N, D) taste that a click adds
    retention: Array  # (N, D) share of the taste that a click leaves
    scalars: dict[str, float]  # `SCALARS` -> value
    standard_errors: dict[str, float]  # the same
    log_likelihood: float
    clicks: int  # that the likelihood counts


def fit_choice(sessions: Sessions, parts: int = PARTS, seed: int = 0, progress: bool = True) -> ChoiceFit:
    """Fit who clicks what next, by penalised maximum likelihood.

    The utility of item j is ``q_j + t . factors_j + reopen [opened before] + repeat [just clicked]``; a click
    on i turns the taste t into ``retention_i * t + update_i``, and the first click sets it to ``update_i``.
    Sessions count up to their 61st click. The priors are normal: `PRIOR_PRECISION`, `GATE_PRECISION`.

    The standard errors come from the outer product of the sessions' scores: of all parameters where
    there are few, else of the scalars, given the item vectors.

    Args:
        sessions: the log.
        parts: of the taste, D.
        seed: of initial vectors and batches.
        progress: show a bar.
    """
    import torch

    rows = np.arange(sessions.num_sessions)
    plan = batches(sessions, rows, _LONGEST)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = _model(sessions, parts)
        if plan:
            _train(model, sessions, rows, len(plan), seed, progress)
    with torch.no_grad():
        total = sum(float(model.session_losses(sessions.padded(part, _LONGEST)).sum()) for part in plan)
        errors = _standard_errors(model, sessions, plan)
        scalars = {name: float(getattr(model, name)) for name in SCALARS}
        quality, factors, update, retention = (
            part.double().numpy()
            for part in (model.quality, model.item_factors, model.click_update, model.retention())
        )
    return ChoiceFit(
        quality=quality - quality.mean(),
        item_factors=factors,
        click_update=update,
        retention=retention,
        scalars=scalars,
        standard_errors=errors,
        log_likelihood=-total,
        clicks=sum(_transitions(sessions, part) for part in plan),
    )


def _train(model: Any, sessions: Sessions, rows: Array, per_epoch: int, seed: int, progress: bool) -> None:
    import torch

    generator = np.random.default_rng(seed)
    epochs = int(np.clip(np.ceil(_STEPS / per_epoch), *_EPOCHS))
    optimiser = torch.optim.Adam(model.parameters(), lr=_RATE)
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimiser, _RATE, total_steps=max(2, epochs * per_epoch), pct_start=0.15
    )
    total = sum(_transitions(sessions, part) for part in batches(sessions, rows, _LONGEST))
    bar = tqdm(total=epochs * per_epoch, desc="fit next click", disable=None if progress else True)
    for _ in range(epochs):
        for part in batches(sessions, rows, _LONGEST, shuffle=generator):
            share = _transitions(sessions, part) / total
            loss = model.session_losses(sessions.padded(part, _LONGEST)).sum() + share * model.penalty()
            optimiser.zero_grad()
            (loss * (per_epoch / total)).backward()
            optimiser.step()
            schedule.step()
            bar.update()
    bar.close()


def _transitions(sessions: Sessions, rows: Array) -> int:
    return int((np.minimum(sessions.lengths[rows], _LONGEST) - 1).sum())


def _model(sessions: Sessions, parts: int) -> Any:
    import torch
    from torch import nn

    n, share = sessions.num_items, np.bincount(sessions.item, minlength=sessions.num_items) + 1.0
    means = torch.linspace(*GATE_MEANS, parts)

    class Choice(nn.Module):
        reopen: Any
        repeat: Any

        def __init__(self) -> None:
            super().__init__()
            self.quality = nn.Parameter(torch.tensor(np.log(share / share.mean()), dtype=torch.float32))
            self.item_factors = nn.Parameter(0.15 * torch.randn(n, parts))
            self.click_update = nn.Parameter(0.15 * torch.randn(n, parts))
            self.gate = nn.Parameter(0.15 * torch.randn(n, parts))  # beside `means`
            for name in SCALARS:
                setattr(self, name, nn.Parameter(torch.tensor(_STARTS[name])))

        def retention(self) -> Any:
            return torch.sigmoid(means + self.gate)

        def session_losses(self, padded: Array) -> Any:
            """Return the (B,) negative log-likelihoods."""
            items = torch.from_numpy(padded[:, :-1].astype(np.int64)).clamp_min(0)
            targets = torch.from_numpy(padded[:, 1:].astype(np.int64))
            logits = self.quality + self.taste(items) @ self.item_factors.T
            last = torch.zeros_like(logits).scatter_(-1, items[..., None], 1.0)
            logits = logits + self.reopen * last.cummax(1)[0] + self.repeat * last
            chosen = logits.gather(-1, targets.clamp_min(0)[..., None])[..., 0]
            return ((logits.logsumexp(-1) - chosen) * (targets >= 0)).sum(1)

        def taste(self, items: Any) -> Any:
            """Return the (B, T, D) taste after each click."""
            steps, kept = self.click_update[items], self.retention()[items]
            found = [steps[:, 0]]
            for t in range(1, steps.shape[1]):
                found.append(after_click(kept[:, t], steps[:, t], found[-1]))
            return torch.stack(found, 1)

        def penalty(self) -> Any:
            vectors = self.item_factors.square().sum() + self.click_update.square().sum()
            return 0.5 * (PRIOR_PRECISION * vectors + GATE_PRECISION * self.gate.square().sum())

    return Choice()


def _standard_errors(model: Any, sessions: Sessions, plan: list[Array]) -> dict[str, float]:
    """Return the scalars' standard errors from the outer product of the sessions' scores."""
    if not plan:
        return dict.fromkeys(SCALARS, np.inf)
    blocks = [getattr(model, name).data.view(-1) for name in SCALARS]
    prior = [0.0] * len(blocks)
    if sum(p.numel() for p in model.parameters()) <= _EXACT:
        blocks += [
            getattr(model, name).data.view(-1) for name in ("quality", "item_factors", "click_update", "gate")
        ]
        prior += [0.0, PRIOR_PRECISION, PRIOR_PRECISION, GATE_PRECISION]
    scores, precision = [], []
    for block, extra in zip(blocks, prior, strict=True):
        for entry in range(block.numel()):
            value, sides = float(block[entry]), []
            for step in (_STEP, -_STEP):
                block[entry] = value + step
                parts = [model.session_losses(sessions.padded(part, _LONGEST)).numpy() for part in plan]
                sides.append(np.concatenate(parts).astype(float))
            block[entry] = value
            scores.append((sides[0] - sides[1]) / (2 * _STEP))
            precision.append(extra)
    matrix = np.array(scores)
    covariance = np.linalg.pinv(matrix @ matrix.T + np.diag(precision), hermitian=True, rcond=1e-10)
    errors = np.sqrt(np.maximum(np.diag(covariance), 0))
    return {name: float(error) for name, error in zip(SCALARS, errors, strict=False)}
