"""Read the context part of the Open Bandit log: who comes when. Item effects are not identifiable there."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import NamedTuple

import numpy as np

from sb3_ecom.core.arrays import Floats

_PLACES = 6  # most frequent levels kept, the rest together as the last


class ContextShares(NamedTuple):
    """Shares of visitors."""

    hour: Floats  # (24,) local time
    device: Floats  # levels of user_feature_1, most frequent first
    place: Floats  # levels of user_feature_2, most frequent first


def fit_shares(path: Path, utc_offset: int = 9) -> ContextShares:
    """Return shares of hours and of two visitor features in an Open Bandit log (parquet).

    The log hashes its features; which of them is a device or a place is not told, so the names are ours.

    Args:
        path: the log.
        utc_offset: hours that the shop's clock is ahead of the log's (Japan: 9).

    Raises:
        ValueError: if a column is missing.
    """
    import pandas as pd

    log = pd.read_parquet(path)
    for column in ("timestamp", "user_feature_1", "user_feature_2"):
        if column not in log:
            raise ValueError(f"{path} must have a column {column!r}, got {', '.join(log.columns)}")
    hour = (pd.to_datetime(log["timestamp"], format="ISO8601", utc=True).dt.hour + utc_offset) % 24
    counts = np.bincount(hour, minlength=24)
    return ContextShares(
        counts / counts.sum(), _levels(log["user_feature_1"], 4), _levels(log["user_feature_2"], _PLACES)
    )


def _levels(column: object, most: int) -> Floats:
    shares = column.value_counts(normalize=True).to_numpy()  # type: ignore[attr-defined]
    if len(shares) <= most:
        return np.asarray(shares)
    return np.append(shares[: most - 1], shares[most - 1 :].sum())


def main() -> None:
    """Print the shares: `python -m sb3_ecom.envs.recommendation.context.calibration LOG.parquet`."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("log", type=Path)
    for name, values in fit_shares(parser.parse_args().log)._asdict().items():
        print(f"{name} = ({', '.join(f'{value:.4f}' for value in values)})")


if __name__ == "__main__":
    main()
