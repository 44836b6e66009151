"""Interquartile mean and performance profile of the learners over the ids: one table, one picture."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from rows import best
from rungs import Rung
from studies.records import print_rows, write_rows

import sb3_ecom
from sb3_ecom.core.arrays import Floats
from sb3_ecom.core.files import open_whole
from sb3_ecom.core.statistics import performance_profile, suite_interval

COLUMNS = ("policy", "ids", "interquartile_mean", "low", "high")


def scores(ladders: Mapping[str, Sequence[Rung]], kind: str) -> dict[str, Floats]:
    """Return id -> (seeds, episodes) returns of the best rung of a kind, on the scale of scores."""
    found = {}
    for env_id, rungs in ladders.items():
        rung = best(rungs, kind)  # type: ignore[arg-type]
        if rung is not None:
            spec, returns = sb3_ecom.spec(env_id), np.atleast_2d(rung.measured.returns)
            span = spec.best_known.value - spec.random.value
            found[env_id] = (returns - spec.random.value) / span
    return found


def draw_suite(ladders: Mapping[str, Sequence[Rung]], folder: Path) -> None:
    """Write suite.csv and suite.png: learner, best baseline and random of the ids that have all three."""
    groups = {kind: scores(ladders, kind) for kind in ("learner", "baseline", "random")}
    ids = sorted(set.intersection(*(set(found) for found in groups.values())))
    if not ids:
        raise ValueError("a figure needs a ladder with a learner and a baseline")
    tables = {kind: [found[env_id] for env_id in ids] for kind, found in groups.items()}
    rows = []
    for kind, table in tables.items():
        rows.append((kind, len(ids), *(f"{part:.4f}" for part in suite_interval(table))))
    write_rows(folder / "suite.csv", COLUMNS, rows, f"ids: {', '.join(ids)}")
    print_rows(COLUMNS, rows)
    _draw(folder / "suite.png", tables, rows)


def _draw(path: Path, tables: Mapping[str, Sequence[Floats]], rows: Sequence[tuple[object, ...]]) -> None:
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    figure, (means, profile) = pyplot.subplots(1, 2, figsize=(10, 3.6), layout="constrained")
    levels = np.linspace(-0.1, 1.1, 121)
    for place, (kind, table) in enumerate(tables.items()):
        value, low, high = (float(str(part)) for part in rows[place][2:])
        means.errorbar(value, place, xerr=[[value - low], [high - value]], marker="o", capsize=3)
        runs = [part.mean(axis=1) for part in table]
        profile.plot(levels, performance_profile(runs, levels), label=kind)
    means.set(yticks=range(len(tables)), yticklabels=list(tables), xlabel="score", title="interquartile mean")
    profile.set(xlabel="score", ylabel="share of runs above it", title="performance profile")
    profile.legend()
    for axis in (means, profile):
        axis.grid(alpha=0.3)
    with open_whole(path) as file:
        figure.savefig(file, dpi=110, format="png")
    pyplot.close(figure)
