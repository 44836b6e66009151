"""Exit model of a log: a logistic hazard after each click, with a patience of each visitor's own."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import optimize

from sb3_ecom.core.arrays import Array, sigmoid
from sb3_ecom.envs.recommendation.calibration.sessions import Sessions
from sb3_ecom.envs.recommendation.session.visitor import clicked_satisfaction, hazard_logit

_NODES = 15  # of the Gauss-Hermite integral over patience
_SCALARS = 5  # c0, c1, logit gamma, bounce, log patience_sd come first in the parameter vector
_START = (-1.5, 0.5, 3.0, 0.1, -0.5)
_BOUNDS = ((-15, 15), (-15, 15), (-3, 6), (-8, 8), (-5, 2))
_PRIOR_SD = 1.0  # of each scalar around `_START`, where the log alone does not tell them
_UNTOLD = 5.0  # standard error (logit) of base, satisfaction or bounce that a log does not tell
_ROUNDS = 3  # of the prior spread of the item effects


@dataclass(frozen=True, kw_only=True)
class ExitFit:
    """Maximum-likelihood estimates (maximum a posteriori for the item effects)."""

    base: float  # c0, logit
    satisfaction: float  # c1, logit
    decay: float  # gamma, per click
    bounce: float  # logit, added after the click that opens a session
    patience_sd: float  # logit
    effect: Array  # (N,) b, logit; mean 0 over the clicks
    effect_sd: float  # logit, the fitted spread of the item effects
    standard_errors: dict[str, float]
    log_likelihood: float
    untold: tuple[str, ...]  # parameters that the log alone does not tell; then all scalars have a prior


class _Likelihood:
    """log P(stay, ..., stay, leave) of each session, patience integrated out."""

    def __init__(self, sessions: Sessions) -> None:
        self.item, self.size = np.asarray(sessions.item), sessions.num_items
        self.starts = sessions.starts
        lengths = sessions.lengths
        self.before = np.arange(len(self.item)) - np.repeat(self.starts, lengths)  # clicks before this one
        self.session = np.asarray(sessions.session)
        self.left = np.zeros(len(self.item))
        self.left[self.starts + lengths - 1] = 1.0
        nodes, weights = np.polynomial.hermite_e.hermegauss(_NODES)
        self.nodes, self.log_weights = nodes, np.log(weights / weights.sum())

    def scores(self, theta: Array) -> tuple[Array, Array, Array]:
        """Return (S,) log-likelihoods, (E,) d/d logit and (E,) d/d log patience_sd."""
        c0, c1, logit_gamma, bounce, log_sd = theta[:_SCALARS]
        gamma = sigmoid(logit_gamma)
        reaction = theta[_SCALARS:][self.item] + bounce * (self.before == 0)
        logit = hazard_logit(c0, c1, clicked_satisfaction(gamma, self.before), 0.0, reaction)
        shift = np.exp(log_sd) * self.nodes
        z = logit[:, None] + shift
        leave = sigmoid(z)
        log_p = np.where(self.left[:, None] > 0, z, 0.0) - np.logaddexp(0.0, z)
        joint = np.add.reduceat(log_p, self.starts) + self.log_weights
        top = joint.max(1, keepdims=True)
        total = top[:, 0] + np.log(np.exp(joint - top).sum(1))
        posterior = np.exp(joint - total[:, None])[self.session]
        slope = posterior * (self.left[:, None] - leave)
        return total, slope.sum(1), slope @ shift

    def columns(self, theta: Array) -> Array:
        """Return (E, 4) d logit / d (c0, c1, logit gamma, bounce)."""
        gamma = sigmoid(theta[2])
        power = gamma**self.before
        slope = theta[1] * self.before * power * (1 - gamma)  # d gamma / d logit gamma = gamma (1 - gamma)
        return np.stack([np.ones_like(power), power - 1, slope, self.before == 0], axis=1)

    def objective(self, theta: Array, precision: float, scalars: float = 0.0) -> tuple[float, Array]:
        """Return the penalised negative log-likelihood and its gradient.

        Args:
            theta: the parameters.
            precision: of the normal prior of the item effects, around 0.
            scalars: precision of that of the scalars, around `_START`.
        """
        total, slope, spread = self.scores(theta)
        gradient = np.empty_like(theta)
        gradient[:4] = slope @ self.columns(theta)
        gradient[4] = spread.sum()
        gradient[_SCALARS:] = np.bincount(self.item, slope, self.size)
        effect = theta[_SCALARS:]
        gradient[_SCALARS:] -= precision * effect
        departure = theta[:_SCALARS] - _START
        gradient[:_SCALARS] -= scalars * departure
        penalty = precision * float(effect @ effect) + scalars * float(departure @ departure)
        return -float(total.sum()) + 0.5 * penalty, -gradient

    def information(self, theta: Array, precision: float, extra: float = 0.0) -> Array:
        """Return the (p, p) outer product of the sessions' scores, prior included."""
        from scipy import sparse

        _, slope, spread = self.scores(theta)
        scalars = np.add.reduceat(np.c_[slope[:, None] * self.columns(theta), spread], self.starts)
        items = sparse.csr_matrix((slope, (self.session, self.item)), shape=(len(self.starts), self.size))
        p = _SCALARS + self.size
        matrix = np.empty((p, p))
        matrix[:_SCALARS, :_SCALARS] = scalars.T @ scalars + extra * np.eye(_SCALARS)
        matrix[_SCALARS:, :_SCALARS] = items.T @ scalars
        matrix[:_SCALARS, _SCALARS:] = matrix[_SCALARS:, :_SCALARS].T
        matrix[_SCALARS:, _SCALARS:] = (items.T @ items).toarray() + precision * np.eye(self.size)
        return matrix


def fit_exit(sessions: Sessions) -> ExitFit:
    """Fit the logit ``c0 - c1 satisfaction + b_item + patience`` by maximum likelihood.

    Satisfaction after k clicks is ``1 - gamma^(k - 1)``: the click that opens a session does not count,
    as in the simulator. The item effects have a normal prior whose spread is fitted too (empirical Bayes).
    Where the log does not tell a scalar, all five get a normal prior around the search's initial values.
    """
    likelihood = _Likelihood(sessions)
    theta, variance, sd = _maximise(likelihood, 0.0)
    untold = _find_untold(theta, variance)
    if untold:
        theta, variance, sd = _maximise(likelihood, _PRIOR_SD**-2)
    gamma = float(sigmoid(theta[2]))
    error = np.sqrt(np.maximum(variance, 0))
    centre = float(theta[_SCALARS:][likelihood.item].mean())
    return ExitFit(
        base=float(theta[0]) + centre,
        satisfaction=float(theta[1]),
        decay=gamma,
        bounce=float(theta[3]),
        patience_sd=float(np.exp(theta[4])),
        effect=theta[_SCALARS:] - centre,
        effect_sd=sd,
        standard_errors={
            "exit_base": float(error[0]),
            "exit_satisfaction": float(error[1]),
            "satisfaction_decay": float(error[2] * gamma * (1 - gamma)),
            "bounce": float(error[3]),
            "patience_sd": float(error[4] * np.exp(theta[4])),
            "exit_effect (mean over items)": float(error[_SCALARS:].mean()),
        },
        log_likelihood=float(likelihood.scores(theta)[0].sum()),
        untold=untold,
    )


def _maximise(likelihood: _Likelihood, scalars: float) -> tuple[Array, Array, float]:
    """Return the parameters, their variances and the spread of the item effects.

    Args:
        likelihood: of the log.
        scalars: precision of the prior of the scalars; 0: none.
    """
    theta = np.r_[_START, np.zeros(likelihood.size)]
    bounds = [*_BOUNDS, *[(-8.0, 8.0)] * likelihood.size]
    sd = 0.5
    for _ in range(_ROUNDS):
        result = optimize.minimize(
            likelihood.objective,
            theta,
            (sd**-2, scalars),
            "L-BFGS-B",
            jac=True,
            bounds=bounds,
            options={"maxiter": 200},
        )
        theta = result.x
        covariance = np.linalg.pinv(likelihood.information(theta, sd**-2, scalars), hermitian=True)
        variance = np.diag(covariance)
        sd = float(np.sqrt(np.mean(theta[_SCALARS:] ** 2 + variance[_SCALARS:])).clip(0.02, 2.0))
    return theta, variance, sd


def _find_untold(theta: Array, variance: Array) -> tuple[str, ...]:
    """Return the parameters that lie at a bound of the search or have no useful standard error."""
    found = []
    for name, place in (("exit_base", 0), ("exit_satisfaction", 1), ("bounce", 3)):
        low, high = _BOUNDS[place]
        if not low < theta[place] < high or not variance[place] < _UNTOLD**2:
            found.append(name)
    return tuple(found)
