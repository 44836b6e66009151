"""How much of a visit is luck: clicks against expected advantages (`VecExpectedAdvantage`), per session?

The critic first learns the value of visits under the tuned constant weights. Then the table gives mean and
standard deviation of both over sessions of those weights. Sessions that end early count first, so that the
mean of clicks is a little low; advantages sum to clicks less what the critic thought of the landing. Answer:
benchmarks/results/expected_advantage.csv.

    python benchmarks/studies/expected_advantage.py --episodes 20000
"""

from __future__ import annotations

import argparse

import numpy as np
from records import save

from sb3_ecom.envs.recommendation.session.ranker import CONSTANT_WEIGHTS
from sb3_ecom.sb3 import VecExpectedAdvantage, make_vec_env

COPIES = 512


def sessions(venv: VecExpectedAdvantage, episodes: int) -> tuple[list[float], list[float]]:
    """Return clicks and summed advantages of finished sessions."""
    venv.reset()
    action = np.broadcast_to(np.float32(CONSTANT_WEIGHTS), (COPIES, len(CONSTANT_WEIGHTS)))
    running, clicks, advantages = np.zeros(COPIES), [], []
    while len(clicks) < episodes:
        _, advantage, done, infos = venv.step(action)
        running += advantage
        ended = np.flatnonzero(done)
        advantages += running[ended].tolist()
        clicks += [infos[row]["episode"]["r"] for row in ended]
        running[ended] = 0
    return clicks, advantages


def main() -> None:
    """Simulate and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--episodes", type=int, default=20_000)
    parser.add_argument("--learn", type=int, default=100_000, help="sessions that the critic learns from")
    parser.add_argument("--discount", type=float, default=1.0)
    options = parser.parse_args()
    venv = VecExpectedAdvantage(make_vec_env("EcomRec-v0", COPIES, seed=0), discount=options.discount)
    if options.learn:
        sessions(venv, options.learn)
    clicks, advantages = sessions(venv, options.episodes)
    rows = [
        (name, len(values), f"{np.mean(values):.3f}", f"{np.std(values):.3f}")
        for name, values in (("clicks", clicks), ("expected advantages", advantages))
    ]
    save("expected_advantage.csv", ("of a session", "sessions", "mean", "standard deviation"), rows)
    print(f"variance of clicks / variance of advantages: {np.var(clicks) / np.var(advantages):.1f}")


if __name__ == "__main__":
    main()
