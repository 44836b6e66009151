"""Does EcomRecBored-v0 earn what SARDINE's published code earns, setting by setting?

Random, greedy and rotating policies in the published slate task with boredom, under each reading of the
influence of clicks on the taste, and in the static task of one item. The published figures are measured with
the published code v1.0.8 on its own catalogue, one draw; ours are the mean over catalogues. "scalar" is the
influence of the published code, "vector" that of our id. Answer: benchmarks/results/sardine.csv.

    python benchmarks/studies/sardine.py --catalogues 10 --visitors 500
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
from records import save

from sb3_ecom.core.evaluate import random_policy, run_episodes
from sb3_ecom.core.loop import StepLoop
from sb3_ecom.envs.recommendation.boredom import oracle
from sb3_ecom.envs.recommendation.boredom.env import BoredomTask

COLUMNS = ("setting", "policy", "return", "stderr", "published", "ratio", "catalogues", "visitors")
SLATE, SINGLE = {"slate_size": 10}, {"slate_size": 1, "boredom": "none", "influence": "none"}
#: setting -> arguments
SETTINGS: dict[str, dict[str, Any]] = {
    "ten items, boredom, influence scalar": {**SLATE, "influence": "scalar"},
    "ten items, boredom, no influence": {**SLATE, "influence": "none"},
    "ten items, boredom, influence vector (EcomRecBored-v0)": {**SLATE, "influence": "vector"},
    "one item, static": SINGLE,
}
#: policy -> figure of the published code in the slate task and in the single one
PUBLISHED = {"random": (43.6, 8.4), "greedy": (143.0, 100.0), "rotation": (325.0, None)}
POLICIES: dict[str, Callable[[StepLoop], Any]] = {
    "random": lambda loop: random_policy(loop.task, loop.num_envs, 0),
    "greedy": oracle.greedy,
    "rotation": oracle.rotation,
}


def measure(
    kwargs: dict[str, Any], policy: Callable[[StepLoop], Any], catalogues: int, visitors: int
) -> tuple[float, float]:
    """Return the mean return and its standard error over catalogues and visitors."""
    means = []
    for seed in range(catalogues):
        loop = StepLoop(BoredomTask(**kwargs, catalogue_seed=seed), visitors)
        means.append(run_episodes(loop, policy(loop), seed)["reward"].mean())
    return float(np.mean(means)), float(np.std(means, ddof=1) / np.sqrt(catalogues))


def main() -> None:
    """Measure, print and save."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--catalogues", type=int, default=10, help=">= 2")
    parser.add_argument("--visitors", type=int, default=500, help="of each catalogue")
    options = parser.parse_args()
    rows = []
    for setting, kwargs in SETTINGS.items():
        for name, policy in POLICIES.items():
            published = PUBLISHED[name][setting.startswith("one")]
            mean, stderr = measure(kwargs, policy, options.catalogues, options.visitors)
            ratio = "" if published is None else f"{mean / published:.3f}"
            size = (options.catalogues, options.visitors)
            rows.append((setting, name, f"{mean:.2f}", f"{stderr:.2f}", published or "", ratio, *size))
            print(*rows[-1], flush=True)
    save("sardine.csv", COLUMNS, rows)


if __name__ == "__main__":
    main()
