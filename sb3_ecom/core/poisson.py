"""Poisson counts from uniform and normal draws: noise is an argument, so the mean may come after the draw."""

from __future__ import annotations

import numpy as np

from sb3_ecom.core.arrays import Array, array_namespace, cut, is_floating

LARGE = 24.0  # mean from which on the normal expansion takes over
_TERMS = 64  # P(Poisson(24) >= 64) < 1e-10


def poisson_counts(mean: Array, uniform: Array, normal: Array) -> Array:
    """Return Poisson(mean) counts as float32, of the shape of `mean`.

    Means up to 24 are inverted, exactly up to float32; larger ones take the expansion of the Poisson quantile
    that matches three moments (Cornish and Fisher).

    Args:
        mean: >= 0.
        uniform: U[0, 1) draws, for the small means.
        normal: N(0, 1) draws, for the large ones.
    """
    xp = array_namespace(mean)
    assert is_floating(mean)
    on_numpy = isinstance(mean, np.ndarray)
    small = cut(mean, 0.0, LARGE)
    term = xp.exp(-small)
    total, count = term * 1.0, xp.zeros_like(mean)
    for k in range(1, _TERMS):
        above = uniform >= total
        # NumPy sees when nobody is above the sum any more, which is soon; a device is not asked.
        if on_numpy and not np.count_nonzero(above):
            break
        count += above
        term *= small
        term *= 1.0 / k
        total += term
    if on_numpy and not np.count_nonzero(mean > LARGE):
        return count
    expansion = mean + xp.sqrt(mean) * normal + (normal * normal - 1.0) * (1.0 / 6.0)
    large = xp.clip(xp.floor(expansion + 0.5), 0.0, None)
    return xp.where(mean > LARGE, large, count)
