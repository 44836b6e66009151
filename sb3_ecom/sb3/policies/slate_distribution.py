"""Ordered slates drawn without replacement: the Plackett-Luce distribution over the first K ranks."""

from __future__ import annotations

from typing import Any, NamedTuple, TypeVar

import torch
from stable_baselines3.common.distributions import Distribution as SB3Distribution
from torch import Tensor, nn
from torch.distributions import Distribution
from torch.distributions.kl import register_kl

_LIMIT = 200.0  # open items' logits saturate here, so that closed ones stay out of reach of any noise
_CLOSED = -1e3  # logit of a closed item: exp(_CLOSED + _LIMIT) is 0 in float32
_GONE = -1e6  # stands for minus infinity where that would turn a gradient into NaN
_TINY = 1e-38  # float32: keeps the Gumbel noise within [-4.5, 16.7]

SelfSlate = TypeVar("SelfSlate", bound="PlackettLuceSlate")


class _Ranks(NamedTuple):
    """A slate seen rank by rank: at rank k one of the items not yet taken is chosen."""

    chosen: Tensor  # (n, K) logits of the slate's items
    rest: Tensor  # (n, N) logits, _GONE where the slate took the item
    log_rest: Tensor  # (n, 1) logsumexp of `rest`
    log_total: Tensor  # (n, K) logsumexp over the items that rank k could choose from


class PlackettLuce(Distribution):
    """The first K ranks of a Plackett-Luce ranking of N items.

    P(slate) = prod_k exp(l_k) / sum of exp(l) over the items not shown before rank k.

    Closed items come last: they fill the slate, uniformly at random, only where fewer than K items are
    open (an environment leaves such slots empty).

    Args:
        logits: (n, N), finite; cut to [-200, 200].
        size: slate size K, 1 <= K <= N.
        closed: (n, N) bool, items that can not be chosen, or None.
        validate_args: look whether the logits are finite (the host waits for a GPU's answer).

    Raises:
        ValueError: if `size` is out of range or a logit is not finite.

    Source: Plackett (1975), The analysis of permutations; sampling by Gumbel noise: Kool et al. (2019),
        Stochastic beams and where to find them, section 2.3.
    """

    arg_constraints = {}  # noqa: RUF012 - torch declares it so

    def __init__(
        self, logits: Tensor, size: int, closed: Tensor | None = None, validate_args: bool = True
    ) -> None:
        if not 1 <= size <= logits.shape[-1]:
            raise ValueError(f"slate size must be in [1, {logits.shape[-1]}] (the catalogue), got {size}")
        if validate_args and not bool(torch.isfinite(logits.detach().sum())):
            raise ValueError("logits of the slate must be finite, got NaN or infinity: the policy diverged")
        logits = logits.clamp(-_LIMIT, _LIMIT)
        self.logits = logits if closed is None else logits.masked_fill(closed, _CLOSED)
        self.size = size
        super().__init__(logits.shape[:-1], torch.Size((size,)), validate_args=False)

    @property
    def mode(self) -> Tensor:
        """The most probable slate: the K largest logits in order, (n, K) int64."""
        return self.logits.topk(self.size, dim=-1).indices

    def sample(self, sample_shape: Any = ()) -> Tensor:
        """Draw slates, (*sample_shape, n, K) int64: the K largest logits under Gumbel noise."""
        with torch.no_grad():
            shape = (*tuple(sample_shape), *self.logits.shape)
            # Minus the log of a standard exponential; `exponential_` takes four times as long (torch 2.13).
            noise = torch.rand(shape, dtype=self.logits.dtype, device=self.logits.device)
            noise = noise.clamp_(min=_TINY).log_().neg_().log_().neg_()
            return noise.add_(self.logits).topk(self.size, dim=-1).indices

    def log_prob(self, value: Tensor) -> Tensor:
        """Return the joint log-probability of ordered slates (n, K): (n,), -inf where an item repeats."""
        slates = value.long()
        return _log_prob(slates, self._ranks(slates))

    def entropy(self) -> Tensor:
        """Estimate the entropy, (n,), along one slate drawn per row; see `log_prob_and_entropy`."""
        return self._entropy(self._ranks(self.sample()))

    def log_prob_and_entropy(self, slates: Tensor) -> tuple[Tensor, Tensor]:
        """Return the log-probabilities (n,) of (n, K) slates and entropies (n,) estimated along them.

        The entropy of a ranking is the expected sum of the entropies of its K choices, each given the
        ranks before it. Those are computed exactly along the slate, so the first rank carries no noise at
        all. Value and gradient are unbiased where the slates were drawn from this distribution: a score
        term, with the mean of the other rows as its baseline, accounts for the slates depending on the
        logits.
        """
        slates = slates.long()
        ranks = self._ranks(slates)
        return _log_prob(slates, ranks), self._entropy(ranks)

    def _entropy(self, ranks: _Ranks) -> Tensor:
        choices = ranks.log_total - _means(ranks, ranks.chosen, self.logits)
        later = choices.detach().flip(1).cumsum(1).flip(1) - choices.detach()
        others = (later.sum(0) - later) / max(len(later) - 1, 1)
        score = ((ranks.chosen - ranks.log_total) * (later - others)).sum(1)
        return choices.sum(1) + score - score.detach()

    def _ranks(self, slate: Tensor) -> _Ranks:
        chosen = self.logits.gather(1, slate)
        rest = self.logits.scatter(1, slate, _GONE)
        log_rest = rest.logsumexp(1, keepdim=True)
        # Summed up from the last rank: subtracting from the whole sum would cancel to nothing.
        upward = torch.cat([log_rest, chosen.flip(1)], 1).logcumsumexp(1)
        return _Ranks(chosen, rest, log_rest, upward[:, 1:].flip(1))


def _log_prob(slates: Tensor, ranks: _Ranks) -> Tensor:
    same = slates[:, :, None] == slates[:, None, :]
    repeats = same.sum((1, 2)) > slates.shape[1]
    return (ranks.chosen - ranks.log_total).sum(1).masked_fill(repeats, -torch.inf)


def _means(ranks: _Ranks, chosen: Tensor, values: Tensor) -> Tensor:
    """Return (n, K) means of `values` (n, N) under each rank's choice; `chosen` are those of the slate."""
    rest = (torch.softmax(ranks.rest, 1) * values).sum(1, keepdim=True)
    # The first triu keeps exp of items already taken from overflowing: 0 * infinity is a NaN gradient.
    logs = (ranks.chosen[:, None, :] - ranks.log_total[:, :, None]).triu()
    weights = torch.exp(logs).triu()
    return torch.exp(ranks.log_rest - ranks.log_total) * rest + (weights * chosen[:, None, :]).sum(2)


@register_kl(PlackettLuce, PlackettLuce)  # type: ignore[no-untyped-call,untyped-decorator]
def _kl_plackett_luce(p: PlackettLuce, q: PlackettLuce) -> Tensor:
    """Estimate KL(p || q), (n,), from one slate of p per row.

    As for the entropy, each choice's divergence is exact given the ranks before it. Where p = q (TRPO's
    expansion point) the Hessian is an unbiased estimate of the Fisher matrix.
    """
    slate = p.sample()
    ours, theirs = p._ranks(slate), q._ranks(slate)
    gain = _means(ours, ours.chosen - theirs.chosen, p.logits - q.logits)
    return (gain - ours.log_total + theirs.log_total).sum(1)


class PlackettLuceSlate(SB3Distribution):
    """`PlackettLuce` with the interface that SB3's algorithms expect.

    Args:
        size: slate size K.
    """

    distribution: PlackettLuce

    def __init__(self, size: int) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.size = size

    def proba_distribution_net(self, latent_dim: int, catalogue: int) -> nn.Module:
        """Return a layer of one logit per item of the catalogue."""
        return nn.Linear(latent_dim, catalogue)

    def proba_distribution(self: SelfSlate, logits: Tensor, closed: Tensor | None = None) -> SelfSlate:
        """Set (n, N) logits and the (n, N) mask of closed items."""
        self.distribution = PlackettLuce(logits, self.size, closed)
        return self

    def log_prob(self, actions: Tensor) -> Tensor:
        """Return the joint log-probability of (n, K) slates, (n,); of (n,) items where K = 1."""
        return self.distribution.log_prob(actions.reshape(-1, self.size))

    def entropy(self) -> Tensor:
        """Return an unbiased estimate of the entropy, (n,)."""
        return self.distribution.entropy()

    def sample(self) -> Tensor:
        """Draw (n, K) slates without repeats."""
        return self.distribution.sample()

    def mode(self) -> Tensor:
        """Return the (n, K) slates of the K largest logits."""
        return self.distribution.mode

    def actions_from_params(
        self, logits: Tensor, closed: Tensor | None = None, deterministic: bool = False
    ) -> Tensor:
        """Return (n, K) slates for the given logits."""
        return self.proba_distribution(logits, closed).get_actions(deterministic=deterministic)

    def log_prob_from_params(self, logits: Tensor, closed: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """Return drawn slates and their log-probabilities."""
        slates = self.actions_from_params(logits, closed)
        return slates, self.log_prob(slates)
