"""Do the off-policy estimators recover a published click rate from a random log?

Estimates on the Open Bandit sample, from the random log to the Bernoulli TS policy. Answer:
benchmarks/results/open_bandit.csv.

    python benchmarks/studies/open_bandit.py ../shared/data/rec_obd_zozotown

Reads <group>_random.parquet and <group>_bts.parquet (10,000 rows each). The log of random pages values the
Bernoulli TS policy, whose chances are its shares by slot in its own log (what it shows does not depend on
the visitor). Beside the estimates stands the click rate that the policy has in the full data, as published
(Saito et al. 2021, arXiv:2008.07146), and whether the 95% interval holds it.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
from records import save

from sb3_ecom.logs import doubly_robust, ips, read_table, snips
from sb3_ecom.logs.estimators import item_rates

#: Group -> items, click rate of the random and of the Bernoulli TS policy in the full data.
PUBLISHED = {"men": (34, 0.0051, 0.0067), "women": (46, 0.0048, 0.0064)}
COLUMNS = ("group", "estimator", "value", "low", "high", "effective_rows", "published", "holds")


def estimates(folder: Path, group: str) -> list[tuple[object, ...]]:
    """Return the rows of one group."""
    items, random_ctr, bts_ctr = PUBLISHED[group]
    log, other = (read_table(folder / f"{group}_{name}.parquet") for name in ("random", "bts"))
    slots = [np.bincount(other.item[other.position == slot], minlength=items) for slot in range(3)]
    shares = np.stack([slot / slot.sum() for slot in slots])
    target, rates = shares[log.position, log.item], item_rates(log, items)
    predicted, expected = rates[np.arange(len(log)), log.item], (rates * shares[log.position]).sum(axis=1)
    found = {
        "random log itself": (ips(log, log.propensity), random_ctr),
        "IPS": (ips(log, target), bts_ctr),
        "SNIPS": (snips(log, target), bts_ctr),
        "DR": (doubly_robust(log, target, predicted, expected), bts_ctr),
    }
    return [
        (
            *(group, name, f"{one.value:.5f}", f"{one.low:.5f}", f"{one.high:.5f}", round(one.effective)),
            *(published, one.low <= published <= one.high),
        )
        for name, (one, published) in found.items()
    ]


def main() -> None:
    """Estimate, save, print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", type=Path)
    options = parser.parse_args()
    rows = [row for group in PUBLISHED for row in estimates(options.folder, group)]
    save("open_bandit.csv", COLUMNS, rows)


if __name__ == "__main__":
    main()
