"""Plackett-Luce slates against brute-force enumeration of small catalogues."""

from itertools import permutations

import numpy as np
import pytest
import torch
from scipy import stats

from sb3_ecom.sb3.policies.slate_distribution import PlackettLuce

SIZES = [(3, 1), (4, 2), (5, 3), (4, 4)]  # (catalogue, slate)


def all_slates(n, k):
    return torch.tensor(list(permutations(range(n), k)))


def by_hand(logits, slate):
    """log P of one slate, in float64, one rank at a time."""
    weights = np.exp(np.asarray(logits, dtype=np.float64))
    total, left = 0.0, list(range(len(weights)))
    for item in slate:
        total += np.log(weights[item] / weights[left].sum())
        left.remove(item)
    return total


def distribution(n, k, rows, seed=0, scale=1.5, closed=None):
    torch.manual_seed(seed)
    logits = (scale * torch.randn(1, n)).requires_grad_()
    mask = None if closed is None else torch.tensor([closed]).expand(rows, n)
    return logits, PlackettLuce(logits.expand(rows, n), k, mask)


def exact_entropy(logits, k):
    slates = all_slates(logits.shape[1], k)
    log_p = PlackettLuce(logits.expand(len(slates), -1), k).log_prob(slates)
    return -(log_p.exp() * log_p).sum()


@pytest.mark.parametrize(("n", "k"), SIZES)
def test_log_probabilities_equal_enumeration_and_sum_to_one(n, k):
    slates = all_slates(n, k)
    logits, dist = distribution(n, k, len(slates))
    found = dist.log_prob(slates)
    expected = [by_hand(logits[0].detach(), slate) for slate in slates.tolist()]
    np.testing.assert_allclose(found.detach(), expected, atol=2e-6)
    assert float(found.detach().exp().sum()) == pytest.approx(1.0, abs=1e-6)


@pytest.mark.parametrize(("n", "k"), SIZES)
def test_sampling_frequencies_match_the_probabilities(n, k):
    draws = 40_000
    slates = all_slates(n, k)
    _, dist = distribution(n, k, draws, scale=0.7)
    probability = distribution(n, k, len(slates), scale=0.7)[1].log_prob(slates).exp().detach().numpy()
    code = (n ** torch.arange(k)).float()
    _, counts = torch.unique(torch.cat([dist.sample(), slates]).float() @ code, return_counts=True)
    order = torch.argsort(slates.float() @ code)
    expected = draws * probability.astype(np.float64)[order] / probability.astype(np.float64).sum()
    assert stats.chisquare(counts.numpy() - 1, expected).pvalue > 1e-3


def test_the_mode_is_the_most_probable_slate():
    slates = all_slates(5, 3)
    _, dist = distribution(5, 3, len(slates))
    best = slates[dist.log_prob(slates).argmax()]
    assert dist.mode[0].tolist() == best.tolist()


def test_a_repeated_item_has_probability_zero():
    _, dist = distribution(4, 3, 1)
    assert dist.log_prob(torch.tensor([[1, 2, 1]])).item() == -np.inf


def test_closed_items_are_never_shown_while_enough_are_open():
    torch.manual_seed(0)
    logits = torch.randn(20_000, 8) * 30
    closed = torch.tensor([True, False, False, True, False, True, True, False]).expand(20_000, 8)
    logits = torch.where(closed, logits + 500.0, logits)
    dist = PlackettLuce(logits, 4, closed)
    assert not closed.gather(1, dist.sample()).any()
    assert not closed.gather(1, dist.mode).any()


def test_masking_equals_a_smaller_catalogue():
    slates = all_slates(4, 2)
    logits, dist = distribution(6, 2, len(slates), closed=[False, False, True, False, True, False])
    small = PlackettLuce(logits[:, [0, 1, 3, 5]].expand(len(slates), 4), 2)
    renamed = torch.tensor([0, 1, 3, 5])[slates]
    torch.testing.assert_close(dist.log_prob(renamed), small.log_prob(slates))


@pytest.mark.parametrize("n_open", [0, 1, 2])
def test_too_few_open_items_give_finite_numbers(n_open):
    closed = [j >= n_open for j in range(6)]
    logits, dist = distribution(6, 4, 64, closed=closed)
    slate = dist.sample()
    assert torch.tensor(closed)[slate].sum(1).eq(4 - n_open).all()
    assert slate.sort(1).values.diff(dim=1).gt(0).all()
    objective = dist.log_prob(slate).sum() + dist.entropy().sum()
    objective = objective + torch.distributions.kl_divergence(dist, dist).sum()
    (gradient,) = torch.autograd.grad(objective, logits)
    assert torch.isfinite(objective)
    assert torch.isfinite(gradient).all()


@pytest.mark.parametrize("scale", [0.0, 1.0, 1e3])
def test_gradients_are_finite_and_match_finite_differences(scale):
    torch.manual_seed(1)
    logits = (scale * torch.randn(3, 6, dtype=torch.float64)).requires_grad_()
    slate = PlackettLuce(logits, 3).sample()
    (gradient,) = torch.autograd.grad(PlackettLuce(logits, 3).log_prob(slate).sum(), logits)
    assert torch.isfinite(gradient).all()
    if scale <= 1.0:
        assert torch.autograd.gradcheck(lambda x: PlackettLuce(x, 3).log_prob(slate), logits)


@pytest.mark.parametrize(("n", "k"), SIZES)
def test_entropy_estimate_is_unbiased(n, k):
    logits, dist = distribution(n, k, 50_000)
    estimates = dist.entropy().detach()
    error = float(estimates.std()) / np.sqrt(len(estimates))
    assert float(estimates.mean()) == pytest.approx(
        float(exact_entropy(logits, k).detach()), abs=4 * error + 1e-5
    )


@pytest.mark.parametrize(("n", "k"), SIZES)
def test_entropy_gradient_is_unbiased(n, k):
    batches, rows = 200, 500
    logits, _ = distribution(n, k, 1)
    (expected,) = torch.autograd.grad(exact_entropy(logits, k), logits)
    found = []
    for _ in range(batches):
        estimate = PlackettLuce(logits.expand(rows, n), k).entropy().mean()
        found.append(torch.autograd.grad(estimate, logits)[0])
    found = torch.stack(found)
    error = found.std(0) / np.sqrt(batches)
    assert ((found.mean(0) - expected).abs() <= 4.5 * error + 1e-5).all()


def test_entropy_along_drawn_slates_is_unbiased():
    logits, dist = distribution(5, 3, 50_000)
    slates = dist.sample()
    log_prob, estimates = dist.log_prob_and_entropy(slates)
    torch.testing.assert_close(log_prob, dist.log_prob(slates))
    error = float(estimates.detach().std()) / np.sqrt(len(estimates))
    exact = float(exact_entropy(logits, 3).detach())
    assert float(estimates.detach().mean()) == pytest.approx(exact, abs=4 * error)


def test_divergence_estimate_matches_enumeration():
    slates = all_slates(5, 3)
    torch.manual_seed(0)
    p_logits, q_logits = torch.randn(2, 1, 5)
    log_p = PlackettLuce(p_logits.expand(len(slates), 5), 3).log_prob(slates)
    log_q = PlackettLuce(q_logits.expand(len(slates), 5), 3).log_prob(slates)
    exact = float((log_p.exp() * (log_p - log_q)).sum())
    p, q = (PlackettLuce(logits.expand(50_000, 5), 3) for logits in (p_logits, q_logits))
    found = torch.distributions.kl_divergence(p, q)
    assert float(found.mean()) == pytest.approx(exact, abs=4 * float(found.std()) / np.sqrt(len(found)))


def test_divergence_from_itself_has_the_fisher_matrix_as_its_hessian():
    slates = all_slates(4, 2)
    torch.manual_seed(0)
    start = torch.randn(4, dtype=torch.float64)
    rows = PlackettLuce(start.expand(len(slates), 4), 2)
    scores = torch.func.jacrev(lambda x: PlackettLuce(x.expand(len(slates), 4), 2).log_prob(slates))(start)
    fisher = torch.einsum("s,si,sj->ij", rows.log_prob(slates).exp(), scores, scores)
    fixed = PlackettLuce(start.expand(100_000, 4), 2)
    hessian = torch.autograd.functional.hessian(
        lambda x: torch.distributions.kl_divergence(PlackettLuce(x.expand(100_000, 4), 2), fixed).mean(),
        start,
    )
    torch.testing.assert_close(hessian, fisher, atol=5e-3, rtol=0)


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_logits_that_are_not_finite_are_refused(bad):
    with pytest.raises(ValueError, match="logits of the slate must be finite"):
        PlackettLuce(torch.tensor([[0.0, bad, 1.0]]), 2)


@pytest.mark.parametrize("size", [0, 4])
def test_slate_size_out_of_range_is_refused(size):
    with pytest.raises(ValueError, match=rf"slate size must be in \[1, 3\].*got {size}"):
        PlackettLuce(torch.zeros(1, 3), size)
