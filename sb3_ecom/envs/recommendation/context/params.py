"""Visitors of a fashion shop by hour, device and place, and how these change what they click."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sb3_ecom.core.checks import (
    LARGEST_SEED,
    MOST_STEPS,
    check_fields,
    check_finite_fields,
    check_number,
    check_whole,
)

Floats = NDArray[np.float64]

# Open Bandit Dataset (ZOZOTOWN, CC BY 4.0), men, random policy, 10,000 impressions; printed by the module
# sb3_ecom.envs.recommendation.context.calibration, given shared/data/rec_obd_zozotown/men_random.parquet.
HOUR = (
    0.0671,
    0.0328,
    0.0209,
    0.0125,
    0.0084,
    0.0090,
    0.0148,
    0.0281,
    0.0289,
    0.0304,
    0.0383,
    0.0401,
    0.0537,
    0.0408,
    0.0403,
    0.0403,
    0.0379,
    0.0448,
    0.0463,
    0.0518,
    0.0712,
    0.0804,
    0.0842,
    0.0770,
)
DEVICE = (0.7891, 0.1091, 0.0928, 0.0090)
PLACE = (0.2058, 0.2045, 0.1911, 0.1775, 0.1360, 0.0851)


@dataclass(frozen=True, kw_only=True)
class ContextParams:
    """Item j is clicked at a logit of base + own_j + hour, device and place effects of its own.

    The shares are fitted; effects are assumed (the sample has 46 clicks), and `base` is set so that random
    pages have the click rate of the full random log.
    """

    items: int = 34  # N
    slate_size: int = 3  # K
    horizon: int = 100  # visitors
    random_ctr: float = 0.0051  # click rate of random pages: 26 million rows, men, random policy
    own_sd: float = 0.1  # of items, logits
    hour_size: float = 1.2  # of the daily wave of an item's logit, whose peak is the item's own
    device_sd: float = 0.3  # per item and device, logits
    place_sd: float = 0.8  # per item and place, logits
    hour_shares: tuple[float, ...] = HOUR
    device_shares: tuple[float, ...] = DEVICE
    place_shares: tuple[float, ...] = PLACE
    catalogue_seed: int = 0  # of the effects: a shop is drawn once

    def __post_init__(self) -> None:
        check_finite_fields(self)
        check_fields(self, "items", low=2, high=10_000)
        check_fields(self, "slate_size", low=1, high=min(self.items, 1000), unit="(items)")
        check_fields(self, "horizon", low=1, high=MOST_STEPS)
        check_fields(self, "random_ctr", low=1e-6, high=0.5)
        check_fields(self, "own_sd", "hour_size", "device_sd", "place_sd", low=0, high=5)
        check_fields(self, "catalogue_seed", low=0, high=LARGEST_SEED)
        self._check_shares()

    def _check_shares(self) -> None:
        check_whole("len(hour_shares)", len(self.hour_shares), 24, 24, "shares")
        for name in ("device_shares", "place_shares"):
            check_whole(f"len({name})", len(getattr(self, name)), 1, 100, "shares")
        contexts = 24 * len(self.device_shares) * len(self.place_shares)
        pairs = "contexts (24 x len(device_shares) x len(place_shares)) x items"
        check_number(pairs, contexts * self.items, high=3 * 10**6)
        for name in ("hour_shares", "device_shares", "place_shares"):
            shares = np.asarray(getattr(self, name))
            if shares.min() < 0 or not abs(shares.sum() - 1) <= 1e-3:
                raise ValueError(
                    f"{name} must be >= 0 and sum to 1, got a sum of {shares.sum():.6f}, least {shares.min()}"
                )

    def weights(self) -> Floats:
        """Return (24, D, P) chances of a context."""
        hour, device, place = (
            np.asarray(shares) / np.sum(shares)
            for shares in (self.hour_shares, self.device_shares, self.place_shares)
        )
        return np.asarray(hour[:, None, None] * device[:, None] * place)

    def rates(self) -> Floats:
        """Return (24, D, P, N) click rates."""
        draw = np.random.default_rng(self.catalogue_seed)
        own = self.own_sd * draw.normal(size=self.items)
        wave = 2 * np.pi * (np.arange(24)[:, None] / 24 - draw.random(self.items))
        device = self.device_sd * draw.normal(size=(len(self.device_shares), self.items))
        place = self.place_sd * draw.normal(size=(len(self.place_shares), self.items))
        effect = own + (self.hour_size * np.cos(wave))[:, None, None] + device[:, None] + place
        return self._level(effect)

    def _level(self, effect: Floats) -> Floats:
        """Return sigmoid(base + effect), base by bisection so that random pages have `random_ctr`."""
        weight = self.weights()[..., None] / self.items
        low, high = -40.0, 10.0
        for _ in range(80):
            base = (low + high) / 2
            rate = 1 / (1 + np.exp(-(base + effect)))
            low, high = (base, high) if (weight * rate).sum() < self.random_ctr else (low, base)
        return np.asarray(rate)
