"""Next-click model of a log: a multinomial logit with a gated linear taste, fitted with torch.

The gates depend on the clicked item alone, as in a diagonal selective state-space model or the minimal GRU
of Feng et al. (2024, arXiv:2410.01201), so the visitor costs a simulator two look-ups and one
multiplication per part. Which items go on with an errand and which start another is what the log's memory
is made of: with one rate for all items the simulated log had half of it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from tqdm import tqdm

from sb3_ecom.core.arrays import Array
from sb3_ecom.envs.recommendation.calibration.choice_model import (
    SCALARS,
    ChoiceModel,
    Prior,
    category_codes,
    precisions,
)
from sb3_ecom.envs.recommendation.calibration.sessions import Sessions, batches

PARTS = 48  # D, of the taste
#: Strengths of shrinkage that held-out sessions choose among; the last two need categories.
PRIORS = (
    Prior(item=4.0),
    Prior(item=16.0, quality=1.0),
    Prior(item=4.0, category=0.5),
    Prior(item=64.0, category=0.25, quality=1.0),
)
_HELD_OUT = 0.2  # of the sessions, while the prior is chosen
_TRIAL = 0.25  # of the optimiser's steps, for each prior that is tried
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
    prior: Prior  # that was chosen
    held_out: dict[Prior, float]  # of each that was tried: log-likelihood per click held out


def fit_choice(
    sessions: Sessions,
    parts: int = PARTS,
    seed: int = 0,
    progress: bool = True,
    priors: Sequence[Prior] = PRIORS,
) -> ChoiceFit:
    """Fit who clicks what next, by penalised maximum likelihood.

    The utility of item j is ``q_j + t . factors_j + reopen [opened before] + repeat [just clicked]``; a click
    on i turns the taste t into ``retention_i * t + update_i``, and the first click sets it to ``update_i``.
    Sessions count up to their 61st click. The prior is the one of `priors` under which a fit to four fifths
    of the sessions makes the others likeliest; then all sessions are fitted.

    The standard errors come from the outer product of the sessions' scores: of all parameters where
    there are few, else of the scalars, given the item vectors.

    Args:
        sessions: the log.
        parts: of the taste, D.
        seed: of initial vectors and batches.
        progress: show a bar.
        priors: that are tried; those with categories only where the log has some.
    """
    rows = np.arange(sessions.num_sessions)
    plan = batches(sessions, rows, _LONGEST)
    held_out = _try_priors(sessions, parts, seed, progress, priors)
    prior = max(held_out, key=lambda each: held_out[each])
    model = _fitted(sessions, rows, parts, prior, seed, progress)
    with torch.no_grad():
        total = _loss(model, sessions, plan)
        errors = _standard_errors(model, sessions, plan, prior)
        scalars = {name: float(getattr(model, name)) for name in SCALARS}
        quality, factors, update, retention = (
            part.double().numpy()
            for part in (model.quality, model.factors(), model.update(), model.retention())
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
        prior=prior,
        held_out=held_out,
    )


def _try_priors(
    sessions: Sessions, parts: int, seed: int, progress: bool, priors: Sequence[Prior]
) -> dict[Prior, float]:
    """Return the log-likelihood per click of sessions held out (NaN where none has two clicks)."""
    if category_codes(sessions) is None:
        priors = [each for each in priors if not np.isfinite(each.category)]
    order = np.random.default_rng([seed, 1]).permutation(sessions.num_sessions)
    cut = int(_HELD_OUT * sessions.num_sessions)
    plan = batches(sessions, order[:cut], _LONGEST)
    if not plan or len(priors) == 1:
        return {priors[0]: np.nan}
    clicks = sum(_transitions(sessions, part) for part in plan)
    found = {}
    for prior in priors:
        model = _fitted(sessions, order[cut:], parts, prior, seed, progress, _TRIAL)
        with torch.no_grad():
            found[prior] = -_loss(model, sessions, plan) / clicks
    return found


def _fitted(
    sessions: Sessions, rows: Array, parts: int, prior: Prior, seed: int, progress: bool, share: float = 1.0
) -> ChoiceModel:
    """Return the model fitted to the given sessions, with a share of the usual steps."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = ChoiceModel(sessions, parts, prior)
        per_epoch = len(batches(sessions, rows, _LONGEST))
        if per_epoch:
            _train(model, sessions, rows, per_epoch, seed, progress, share)
    return model


def _loss(model: ChoiceModel, sessions: Sessions, plan: list[Array]) -> float:
    return sum(float(model.session_losses(sessions.padded(part, _LONGEST)).sum()) for part in plan)


def _train(
    model: ChoiceModel,
    sessions: Sessions,
    rows: Array,
    per_epoch: int,
    seed: int,
    progress: bool,
    share: float,
) -> None:
    generator = np.random.default_rng(seed)
    epochs = max(1, round(share * np.clip(np.ceil(_STEPS / per_epoch), *_EPOCHS)))
    optimiser = torch.optim.Adam(model.parameters(), lr=_RATE)
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimiser, _RATE, total_steps=max(2, epochs * per_epoch), pct_start=0.15
    )
    total = sum(_transitions(sessions, part) for part in batches(sessions, rows, _LONGEST))
    bar = tqdm(total=epochs * per_epoch, desc="fit next click", disable=None if progress else True)
    for _ in range(epochs):
        for part in batches(sessions, rows, _LONGEST, shuffle=generator):
            weight = _transitions(sessions, part) / total
            loss = model.session_losses(sessions.padded(part, _LONGEST)).sum() + weight * model.penalty()
            optimiser.zero_grad()
            torch.autograd.backward(loss * (per_epoch / total))
            optimiser.step()
            schedule.step()
            bar.update()
    bar.close()


def _transitions(sessions: Sessions, rows: Array) -> int:
    return int((np.minimum(sessions.lengths[rows], _LONGEST) - 1).sum())


def _standard_errors(
    model: ChoiceModel, sessions: Sessions, plan: list[Array], chosen: Prior
) -> dict[str, float]:
    """Return the scalars' standard errors from the outer product of the sessions' scores."""
    if not plan:
        return dict.fromkeys(SCALARS, np.inf)
    blocks = [getattr(model, name).data.view(-1) for name in SCALARS]
    prior = [0.0] * len(blocks)
    if sum(p.numel() for p in model.parameters()) <= _EXACT:
        known = [(name, each) for name, each in precisions(chosen).items() if hasattr(model, name)]
        blocks += [getattr(model, name).data.view(-1) for name, _ in known]
        prior += [each for _, each in known]
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
