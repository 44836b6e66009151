"""Counts follow the Poisson law, whatever the mean."""

import numpy as np
import pytest
import torch
from scipy import stats

from sb3_ecom.core.poisson import poisson_counts


def draws(mean, n=200_000):
    source = np.random.default_rng(1)
    means = np.full(n, mean, np.float32)
    return means, source.random(n, np.float32), source.standard_normal(n, np.float32)


@pytest.mark.parametrize("mean", [0.03, 1.0, 5.5, 23.9])
def test_small_means_are_inverted_exactly(mean):
    means, uniform, normal = draws(mean)
    counts = poisson_counts(means, uniform, normal)
    wrong = counts != stats.poisson.ppf(uniform.astype(float), np.float32(mean)).clip(0)
    assert wrong.mean() < 1e-4  # uniforms within float32 rounding of a step of the law


@pytest.mark.parametrize("mean", [24.1, 60.0, 2000.0])
def test_large_means_have_the_moments_of_the_law(mean):
    counts = poisson_counts(*draws(mean)).astype(float)
    assert counts.mean() == pytest.approx(mean, abs=4 * np.sqrt(mean / counts.size))
    assert counts.var() == pytest.approx(mean, rel=0.02)
    assert stats.skew(counts) == pytest.approx(mean**-0.5, abs=0.03)
    assert (counts == np.floor(counts)).all()


def test_numpy_and_torch_draw_the_same():
    source = np.random.default_rng(0)
    mean = source.uniform(0, 60, (50, 3)).astype(np.float32)
    noise = source.random((50, 3), np.float32), source.standard_normal((50, 3), np.float32)
    ours = poisson_counts(mean, *noise)
    theirs = poisson_counts(*(torch.as_tensor(part) for part in (mean, *noise)))
    np.testing.assert_array_equal(ours, theirs.numpy())
