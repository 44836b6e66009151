"""What does exploration cost a ranker on EcomRec-v0, and which weights does it make look best?

PPO improves the policy that acts with noise, not the one that is evaluated. The table gives the return of the
constant weights with another weight of satiation, on common visitors, when Gaussian noise of some standard
deviation is added to every weight on every page. Answer: benchmarks/results/exploration_noise.csv.

    python benchmarks/studies/exploration_noise.py --episodes 12000
"""

from __future__ import annotations

import argparse
from collections.abc import Callable

import numpy as np
from records import save

import sb3_ecom
from sb3_ecom.core.arrays import Array
from sb3_ecom.envs.recommendation.session.ranker import CONSTANT_WEIGHTS

ENV = "EcomRec-v0"
SATIATION = 4  # place of the weight in the action
NOISE = (0.0, 0.1, 0.2, 0.3)
WEIGHTS = (0.1, 0.25, 0.4, 0.6)


def noisy(weight: float, noise: float) -> Callable[[Array], Array]:
    """Return the constant weights with `weight` for satiation, blurred afresh on every page."""
    generator = np.random.default_rng(0)
    base = np.array(CONSTANT_WEIGHTS, dtype=np.float32)
    base[SATIATION] = weight

    def act(observation: Array) -> Array:
        blur = generator.standard_normal((len(observation), base.size), dtype=np.float32)
        return np.clip(base + np.float32(noise) * blur, -1, 1)

    return act


def main() -> None:
    """Evaluate every pair and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--episodes", type=int, default=12_000)
    options = parser.parse_args()
    rows = []
    for noise in NOISE:
        results = [
            sb3_ecom.evaluate(ENV, noisy(weight, noise), episodes=options.episodes, seed=0)
            for weight in WEIGHTS
        ]
        means = [f"{result.mean:.3f}" for result in results]
        rows.append((noise, *means, f"{max(result.stderr for result in results):.3f}"))
    save("exploration_noise.csv", ("noise", *(f"weight {weight}" for weight in WEIGHTS), "stderr"), rows)


if __name__ == "__main__":
    main()
