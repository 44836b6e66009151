"""A made-up shop for tests that must not depend on the fitted one."""

import numpy as np

from sb3_ecom.envs.recommendation.session.params import Catalogue, SessionParams


def small_catalogue(n=12, d=3, seed=0):
    rng = np.random.default_rng(seed)
    share = rng.dirichlet(np.full(n, 3.0))
    vectors = rng.normal(0, 0.8, (n, d))
    return Catalogue(
        item_ids=tuple(f"item{i}" for i in range(n)),
        category=np.arange(n) % min(4, n),
        price=rng.uniform(10, 60, n),
        entry_share=rng.dirichlet(np.full(n, 3.0)),
        popularity=share,
        quality=np.log(share) - np.log(share).mean(),
        item_factors=vectors + rng.normal(0, 0.1, (n, d)),
        click_update=0.8 * vectors,
        start=vectors,
        retention=rng.uniform(0.1, 0.5, (n, d)),
        exit_effect=rng.normal(0, 0.3, n),
    )


def small_params(n=12, d=3, seed=0, **changes):
    return SessionParams(catalogue=small_catalogue(n, d, seed), **changes)
