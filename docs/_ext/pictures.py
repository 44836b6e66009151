"""Moving pictures and thumbnails of every environment, made from one episode of a baseline."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from sb3_ecom.core.arrays import tree_map
from sb3_ecom.core.evaluate import make_policy
from sb3_ecom.core.loop import StepLoop
from sb3_ecom.core.movies import write_movie
from sb3_ecom.core.registry import Spec
from sb3_ecom.core.task import PastTask

FRAMES = 16  # of a moving picture
WIDTH = 480  # pixels
THUMBNAIL = 320  # pixels
#: Policies that are quick to make and show what the task is about.
SHOWN = {
    "EcomRec-v0": "related_items",
    "EcomRecSlate-v0": "related_items",
    "EcomRecSingle-v0": "related_items",
    "EcomRecLarge-v0": "related_items",
    "EcomRecBored-v0": "last_clicks",
    "EcomRecOrganic-v0": "last_view",
    "EcomRecRetain-v0": "best_steady",
    "EcomRecContext-v0": "thompson",
    "EcomAds-v0": "pid",
    "EcomAdsAuto-v0": "pid",
    "EcomAdsKeyword-v0": "dual_pacing",
    "EcomAdsTarget-v0": "capped_greedy",
    "EcomAdsRank-v0": "tracking",
    "EcomAdsChannel-v0": "water_filling",
}


def write_pictures(entry: Spec, folder: Path, seed: int = 3) -> None:
    """Write `<id>.gif` and a smaller `small/<id>.gif` for the gallery, unless they are there already."""
    moving, small = folder / f"{entry.id}.gif", folder / "small" / f"{entry.id}.gif"
    if moving.exists() and small.exists():
        return
    frames = play(entry, seed)
    write_movie(frames, moving, width=WIDTH)
    write_movie(frames[::2], small, fps=1.25, width=THUMBNAIL)


def play(entry: Spec, seed: int) -> list[Any]:
    """Return at most `FRAMES` pictures, spread over the longest of eight episodes."""
    task = entry.make_task()
    loop = StepLoop(task, 8, keep_last_frame=True)
    name = SHOWN.get(entry.id) or _quickest(entry)
    policy = make_policy(entry, loop, name, True, seed)
    observation = loop.reset(seed)
    kept: list[list[Any]] = [[] for _ in range(loop.num_envs)]
    running = np.ones(loop.num_envs, dtype=bool)
    for _ in range(min(task.horizon, 400)):
        result = loop.step(policy(observation))
        observation = result.observation
        state, outcome = loop.last_frame
        copied = (tree_map(np.copy, state), tree_map(np.copy, outcome))
        for row in np.flatnonzero(running):
            kept[row].append((*copied, int(row)))
        running[result.rows] = False
        if not running.any():
            break
    longest = max(kept, key=len)
    chosen = np.unique(np.linspace(0, len(longest) - 1, min(FRAMES, len(longest))).astype(int))
    if not isinstance(task, PastTask):
        return [task.render(*longest[place], "rgb_array") for place in chosen]
    return [
        task.render(*longest[place], "rgb_array", _past(longest, place, task.past_shown)) for place in chosen
    ]


def _past(frames: list[Any], place: int, most: int) -> list[Any]:
    """Return (state, outcome) of the steps before a frame."""
    return [(state, outcome) for state, outcome, _ in frames[max(place - most, 0) : place]]


def _quickest(entry: Spec) -> str:
    return next(iter(entry.baselines), "random")
