"""Do the intervals of `judge` cover the truth? A served month, cut into replications, and three candidates.

EcomRec-v0 is served live with exploration (plackett-luce:1 on the default ranker). Each replication is
another part of the visits; each candidate is judged on it. The truth is the candidate's click chance on its
own pages in the very contexts that were logged, computed by the simulator's choice model.

    python benchmarks/studies/judged_month.py                   # 200 replications of 150 visits
    python benchmarks/studies/judged_month.py --replications 20 --out look.csv

Answer: benchmarks/results/judged_month.csv. `coverage` is the share of 95% intervals that hold the truth.
"""

from __future__ import annotations

import argparse
import os
import tempfile
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
from records import RESULTS, heading, print_rows, write_rows

from sb3_ecom.envs.recommendation.session.baselines import constant_weights
from sb3_ecom.envs.recommendation.session.dynamics import choice_weights
from sb3_ecom.envs.recommendation.session.ranker import CONSTANT_WEIGHTS, WEIGHTS
from sb3_ecom.live.decision_log import DecisionLog
from sb3_ecom.live.exploration import parse_exploration
from sb3_ecom.live.judge import ASSUMPTIONS, Candidate, judge
from sb3_ecom.live.pages import RulePolicy, closed_items, draw_page, score_items
from sb3_ecom.live.recommender import Recommender
from sb3_ecom.live.rehearsal import rehearse
from sb3_ecom.logs.decisions import read_decisions

ENV, LOGGED = "EcomRec-v0", "plackett-luce:1"
ZERO, BEST = np.zeros(WEIGHTS), np.asarray(CONSTANT_WEIGHTS)
#: Candidate -> weights of the ranker, exploration.
CANDIDATES = {
    "sharper": (ZERO, "plackett-luce:0.7"),
    "half way to the best weights": (BEST / 2, LOGGED),
    "the best weights": (BEST, LOGGED),
}
COLUMNS = ("candidate", "estimator", "truth", "mean", "coverage", "half_width", "effective_pages", "pages")


class Truth:
    """Click chances of a candidate's pages, in the contexts of a rehearsal."""

    def __init__(self, shop: Recommender, candidate: Candidate, seed: int) -> None:
        self.total, self.pages = 0.0, 0
        self._shop, self._candidate = shop, candidate
        self._generator = np.random.default_rng(seed)

    def watch(self, hidden, rows, visits):
        """Add the chances of the pages that the candidate would show now."""
        task, candidate = self._candidate.task, self._candidate
        catalogue, folder = self._shop._shop
        slate = np.full((len(hidden.entry), task.params.slate_size), -1)
        for row, visit in zip(rows, visits, strict=True):
            state = folder.fold(self._shop.store.get(visit.name))
            scores = score_items(candidate.policy, task, catalogue, state).scores
            page = draw_page(
                *(scores, closed_items(catalogue, state), slate.shape[1]),
                *(catalogue, candidate.explore, self._generator),
            ).page
            slate[row, : page.size] = page
        weights, _ = choice_weights(task.params, task.tables.hidden, hidden, slate)
        total = weights.sum(1)
        self.total += float((total / (total + task.tables.hidden.outside))[rows].sum())
        self.pages += len(rows)


def measure(replications, visits):
    """Return the rows of the table."""
    policies = {name: RulePolicy(ENV, constant_weights(weights)) for name, (weights, _) in CANDIDATES.items()}
    logging = RulePolicy(ENV, constant_weights(ZERO))
    candidates = {
        name: Candidate(name, policies[name].act_with_scores, logging.task, parse_exploration(explore))
        for name, (_, explore) in CANDIDATES.items()
    }
    with tempfile.TemporaryDirectory() as folder:
        shop = Recommender(logging, explore=LOGGED, log=DecisionLog(Path(folder)), seed=0)
        truths = [Truth(shop, candidate, seed) for seed, candidate in enumerate(candidates.values())]

        def watch(*seen):
            for truth in truths:
                truth.watch(*seen)

        rehearse(shop, logging.task, replications * visits, seed=0, watch=watch)
        shop.close()
        served = read_decisions(folder)
    parts = [served[start : start + visits] for start in range(0, len(served), visits)]
    rows = []
    for (name, candidate), truth in zip(candidates.items(), truths, strict=True):
        value = truth.total / truth.pages
        found = [judge(part, candidate) for part in parts]
        for estimator in ASSUMPTIONS:
            each = [judgement.estimates[estimator] for judgement in found]
            covered = np.mean([one.low <= value <= one.high for one in each])
            numbers = (
                *(value, np.mean([one.value for one in each]), covered),
                *(np.mean([(one.high - one.low) / 2 for one in each]),),
            )
            sizes = (np.mean([one.effective_pages for one in each]), truth.pages / len(parts))
            rows.append((name, estimator, *(f"{n:.4f}" for n in numbers), *(f"{n:.0f}" for n in sizes)))
    return rows


def main() -> None:
    """Run the command."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--replications", type=int, default=200, help="(default %(default)s)")
    parser.add_argument("--visits", type=int, default=150, help="of a replication (default %(default)s)")
    parser.add_argument(
        "--out", type=Path, default=RESULTS / "judged_month.csv", help="(default %(default)s)"
    )
    options = parser.parse_args()
    rows = measure(options.replications, options.visits)
    print_rows(COLUMNS, rows)
    first = heading(replications=options.replications, visits=options.visits)
    write_rows(options.out, COLUMNS, rows, first)


if __name__ == "__main__":
    main()
