"""Constant arrays of a mean day that a bidder knows: one class for EcomAds and EcomAdsAuto."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from sb3_ecom.core.arrays import Array


class DayTables(NamedTuple):
    """Traffic and clock of a mean day by tick; the last entry is the end of the day."""

    traffic: Array  # (ticks + 1,) of a tick, in the unit of the task; the last repeats
    traffic_left: Array  # (ticks + 1,) share of the day's traffic still to come
    clock: Array  # (ticks + 1, 2) sine and cosine of the time of day


def make_day_tables(traffic: Array, traffic_left: Array) -> DayTables:
    """Return the arrays with a clock of as many ticks."""
    ticks = traffic.shape[0] - 1
    angle = 2 * np.pi * (np.arange(ticks + 1) + 0.5) / ticks
    return DayTables(traffic, traffic_left, np.stack([np.sin(angle), np.cos(angle)], -1).astype(np.float32))
