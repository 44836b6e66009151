"""What does a large catalogue cost: env-steps per second, recall and memory of `EcomRecLarge-v0` by its size?

One core, 1024 copies, random queries, observations and autoreset included. `ann` is the index of the extra
`large`. Recall is the share of a page of the exact product that the index finds too, for random queries and
for those of the baseline `session_query`, in the states that the same policy leads to. Memory: `shop` is held
once (catalogue, item tables, index), `copy` once per copy.

    python benchmarks/studies/catalogue.py            # what is missing in benchmarks/results/catalogue.csv
    python benchmarks/studies/catalogue.py --again    # measures anew what stands there already
    python benchmarks/studies/catalogue.py --figure   # draws what stands there

Answer: benchmarks/results/catalogue.csv and catalogue.png.

Times are processor seconds, so that another job on the machine does not count.
"""

from __future__ import annotations

import argparse
import os
import statistics
import time
from itertools import product
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
from records import RESULTS, heading, print_rows, read_heading, read_rows, write_rows

import sb3_ecom
from sb3_ecom.core.arrays import tree_map
from sb3_ecom.core.files import open_whole
from sb3_ecom.core.loop import StepLoop

ENV, COPIES = "EcomRecLarge-v0", 1024
SIZES = (1_000, 3_000, 10_000, 30_000, 100_000, 300_000, 1_000_000)
STEPS_BEFORE = 5  # pages before recall is looked at: visitors have opened some items
COLUMNS = (
    *("items", "retrieval", "build_s", "steps_per_s", "slowest", "fastest"),
    *("recall_random", "recall_session", "shop_mib", "copy_bytes"),
)


def random_actions(task, batches):
    """Return (batches, copies, k) uniform actions."""
    rng = np.random.default_rng(0)
    return rng.uniform(-1, 1, (batches, COPIES, *task.action_space.shape)).astype(np.float32)


def speeds(task, seconds, repeats):
    """Return env-steps per processor second of each repeat."""
    loop, actions = StepLoop(task, COPIES), random_actions(task, 16)
    loop.reset(0)
    loop.step(actions[0])
    found = []
    for _ in range(repeats):
        steps, start = 0, time.process_time()
        while (spent := time.process_time() - start) < seconds:
            loop.step(actions[steps % len(actions)])
            steps += 1
        found.append(COPIES * steps / spent)
    return found


def recall(task, policy):
    """Return the share of the exact product's page that the index finds."""
    loop = StepLoop(task, COPIES)
    observation = loop.reset(0)
    for _ in range(STEPS_BEFORE):
        observation = loop.step(policy(observation)).observation
    state = loop.state
    query, opened = task.query(state, policy(observation)), state.tracked.opened
    exact, found = task.retrieve_exact(query, opened), task.retrieve(query, opened)
    return float((exact[:, :, None] == found[:, None, :]).any(2).mean())


def num_bytes(*trees):
    """Return the size of trees of arrays; an array that stands in them twice counts once."""
    seen = {}

    def note(leaf):
        if isinstance(leaf, np.ndarray):
            seen[leaf.__array_interface__["data"][0]] = leaf.nbytes
        return leaf

    for tree in trees:
        tree_map(note, tree)
    return sum(seen.values())


def measure(size, retrieval, seconds, repeats):
    """Return a row of the table."""
    make = sb3_ecom.spec(ENV).make_task
    make(catalogue_size=size, retrieval="exact")  # the drawn catalogue is kept: what follows is the shop
    start = time.process_time()
    task = make(catalogue_size=size, retrieval=retrieval)
    build = time.process_time() - start
    found = speeds(task, seconds, repeats)
    if task.tracker.index is None:
        recalls = (1.0, 1.0)
    else:
        uniform = np.random.default_rng(1)
        shape = task.action_space.shape
        session = sb3_ecom.spec(ENV).baselines["session_query"](task)
        recalls = (
            recall(task, lambda seen: uniform.uniform(-1, 1, (len(seen), *shape)).astype(np.float32)),
            recall(task, session),
        )
    shop = num_bytes(task.items, task.tables) + (task.tracker.index.num_bytes if task.tracker.index else 0)
    loop = StepLoop(task, COPIES)
    loop.reset(0)
    speed = (statistics.median(found), min(found), max(found))
    numbers = (f"{build:.2f}", *map(round, speed), *(f"{share:.3f}" for share in recalls))
    return (size, retrieval, *numbers, f"{shop / 2**20:.1f}", num_bytes(loop.state) // COPIES)


def draw(path, rows):
    """Draw speed, recall and memory of the (size, retrieval) rows."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(1, 3, figsize=(12, 3.6), layout="constrained")
    for retrieval, colour in (("exact", "#3a6ea5"), ("ann", "#e08a1e")):
        found = [dict(zip(COLUMNS, row, strict=True)) for row in rows if row[1] == retrieval]
        sizes = [int(row["items"]) for row in found]
        speed, least, most = ([float(row[name]) for row in found] for name in COLUMNS[3:6])
        around = [np.subtract(speed, least), np.subtract(most, speed)]
        axes[0].errorbar(sizes, speed, around, marker="o", color=colour, label=retrieval)
        if retrieval == "ann":
            for name, style in (("recall_session", "-"), ("recall_random", "--")):
                share = [float(row[name]) for row in found]
                axes[1].plot(sizes, share, style, marker="o", color=colour, label=name.replace("_", ", "))
        memory = [float(row["shop_mib"]) for row in found]
        axes[2].plot(sizes, memory, marker="o", color=colour, label=f"shop, {retrieval}")
    copies = [COPIES * int(row[-1]) / 2**20 for row in rows if row[1] == "exact"]
    axes[2].plot([int(row[0]) for row in rows if row[1] == "exact"], copies, ":k", label=f"{COPIES} copies")
    axes[0].axhline(20_000, color="grey", linestyle=":", linewidth=1)
    for axis, title in zip(
        axes, ("env-steps/s, one core", "share of the exact page found", "MiB"), strict=True
    ):
        axis.set(title=title, xlabel="items", xscale="log")
        axis.grid(alpha=0.3)
        axis.legend(fontsize=8)
    axes[0].set_yscale("log")
    axes[1].set_ylim(0.8, 1.0)
    axes[2].set_yscale("log")
    with open_whole(path) as file:
        figure.savefig(file, dpi=110, format="png")


def main() -> None:
    """Measure what is missing, save, print all."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--sizes", type=int, nargs="+", default=SIZES)
    parser.add_argument("--seconds", type=float, default=2.0)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--out", type=Path, default=RESULTS / "catalogue.csv")
    parser.add_argument("--again", action="store_true", help="forget the rows that are there")
    parser.add_argument("--figure", action="store_true", help="measure nothing, draw the rows that are there")
    options = parser.parse_args()
    if options.figure:
        rows = [tuple(row.values()) for row in read_rows(options.out)]
        draw(options.out.with_suffix(".png"), sorted(rows, key=lambda row: int(row[0])))
        return
    rows = [] if options.again else [tuple(row.values()) for row in read_rows(options.out)]
    first = read_heading(options.out) if rows else heading()  # of the machine of the rows that stay
    for size, retrieval in product(options.sizes, ("exact", "ann")):
        if any((str(row[0]), row[1]) == (str(size), retrieval) for row in rows):
            continue
        rows.append(measure(size, retrieval, options.seconds, options.repeats))
        write_rows(options.out, COLUMNS, rows, first)
    print_rows(COLUMNS, sorted(rows, key=lambda row: (int(row[0]), row[1])))


if __name__ == "__main__":
    main()
