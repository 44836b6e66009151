"""What do item-kNN and matrix factorisation earn when they are fitted to the shop's own log?

Measured on the customers that every baseline meets. Answer: benchmarks/results/logged_recommenders.csv.

The log: sessions of `EcomRecSlate-v0` served by a baseline, and with probability 1/2 a page by a uniform
one. Settings are the modules' defaults, PureSVD with 8 factors.

    python benchmarks/studies/logged_recommenders.py
"""

from __future__ import annotations

import argparse
import os

os.environ.setdefault("OMP_NUM_THREADS", "1")

from records import save

import sb3_ecom
from sb3_ecom.envs.recommendation.session.item_similarity import from_clicks
from sb3_ecom.logs import EpsilonGreedy, ItemKnn, PureSvd, record_table

ENV, EPSILON, FACTORS = "EcomRecSlate-v0", 0.5, 8
COLUMNS = ("log of", "sessions", "clicks", "policy", "return", "stderr", "score")


def main() -> None:
    """Record, fit, evaluate, print and save."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--served-by", nargs="+", default=["related_items", "popularity"])
    parser.add_argument("--sessions", type=int, default=8000)
    parser.add_argument("--episodes", type=int, default=2048)
    options = parser.parse_args()
    entry = sb3_ecom.spec(ENV)
    task = entry.make_task()
    num_items = int(task.action_space.nvec[0])
    rows = []

    def note(log_of, clicks, name, policy):
        result = sb3_ecom.evaluate(ENV, policy, episodes=options.episodes, seed=0)
        numbers = (f"{result.mean:.3f}", f"{result.stderr:.3f}", f"{result.score:.3f}")
        rows.append((log_of, options.sessions if log_of else "", clicks, name, *numbers))
        print(*rows[-1], flush=True)

    for served_by in options.served_by:
        make = entry.baselines[served_by]
        log = record_table(
            ENV,
            lambda shop, make=make: EpsilonGreedy(shop, make(shop), EPSILON),
            episodes=options.sessions,
            seed=7,
        )
        clicks = int(log.reward.sum())
        note(served_by, clicks, "item-kNN", from_clicks(task, ItemKnn(log, num_items)))
        note(served_by, clicks, "PureSVD", from_clicks(task, PureSvd(log, num_items, factors=FACTORS)))
    for name in dict.fromkeys(("random", "item_knn", *options.served_by)):
        note("", "", name, name)
    save("logged_recommenders.csv", COLUMNS, rows)


if __name__ == "__main__":
    main()
