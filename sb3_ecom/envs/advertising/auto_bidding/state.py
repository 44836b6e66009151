"""Noise and hidden state of an auto-bidding campaign."""

from __future__ import annotations

from typing import NamedTuple

from sb3_ecom.core.arrays import Array


class ResetNoise(NamedTuple):
    """Draws that start a day."""

    traffic: Array  # (n, blocks) U[0, 1)
    blocks: Array  # (n, blocks) U[0, 1)
    uniforms: Array  # (n, 3) U[0, 1): own factor, budget, target
    normals: Array  # (n, 5) N(0, 1): value spread, prediction noise, bias, price, multiplier


class StepNoise(NamedTuple):
    """Draws of one tick, whatever is bid."""

    spread: Array  # (n,) N(0, 1)
    auctions: Array  # (4, m) U[0, 1): own value, rivals, exposure and noise, conversion; of all copies


class HiddenState(NamedTuple):
    """Market and account when a tick opens; tick, money and target are public, the rest is not."""

    tick: Array  # (n,) int64
    budget: Array  # (n,) int64 micros, of the day
    left: Array  # (n,) int64 micros
    target: Array  # (n,) money per conversion
    counts: Array  # (n, ticks + 1) int64 auctions of every tick
    level: Array  # (n, ticks + 1) mean predicted value of every tick
    spread: Array  # (n,) sd over mean of predicted values
    noise: Array  # (n,) sd of true over predicted value
    bias: Array  # (n,) log factor of true over predicted value
    price: Array  # (n,) log price level
    totals: Array  # (n, 2) conversions so far: counted, expected
