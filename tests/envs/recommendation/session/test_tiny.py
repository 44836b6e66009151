"""The tiny twin: backward induction, simulation and planners must agree."""

from dataclasses import replace

import numpy as np
import pytest

from sb3_ecom.core.evaluate import run_episodes
from sb3_ecom.core.loop import StepLoop
from sb3_ecom.envs.recommendation.session.env import SessionTask
from sb3_ecom.envs.recommendation.session.oracle import (
    lookahead_clairvoyant,
    myopic_clairvoyant,
    oracle,
)
from sb3_ecom.envs.recommendation.session.params import SessionParams
from sb3_ecom.envs.recommendation.session.tiny import solve_tiny
from sb3_ecom.envs.recommendation.session.visitor import outside_weight
from tests.envs.recommendation.small_shop import small_catalogue

EPISODES = 20_000


def tiny_task(seed=0, **changes):
    catalogue = small_catalogue(n=6, d=2, seed=seed)
    catalogue = replace(catalogue, retention=np.zeros((6, 2)), exit_effect=np.linspace(-1.5, 1.5, 6))
    settings = {"slate_size": 2, "horizon": 12, "exit_satisfaction": 0.0, "satiation_weight": 0.0}
    return SessionTask(SessionParams(catalogue=catalogue, **{**settings, **changes}), "slate")


def simulate(task, make_policy):
    loop = StepLoop(task, EPISODES)
    clicks = run_episodes(loop, make_policy(loop), seed=5)["reward"]
    return clicks.mean(), clicks.std() / EPISODES**0.5


@pytest.mark.parametrize("seed", [0, 1])
def test_simulating_the_optimal_policy_gives_the_computed_value(seed):
    task = tiny_task(seed)
    solution = solve_tiny(task)
    mean, stderr = simulate(task, solution.policy)
    assert abs(mean - solution.value) <= 3 * stderr


def test_no_policy_beats_it_and_looking_ahead_comes_closest():
    task = tiny_task()
    solution = solve_tiny(task)
    myopic, _ = simulate(task, myopic_clairvoyant)
    ahead, stderr = simulate(task, lookahead_clairvoyant)
    assert myopic < ahead <= solution.value + 3 * stderr
    assert ahead >= 0.98 * solution.value


def test_one_page_is_the_best_page_by_hand():
    """With one page left only the chance of a click counts: the two best open items, the better one first."""
    task = tiny_task(horizon=1)
    solution, tables = solve_tiny(task), task.tables.hidden
    for entry in range(6):
        weight = np.exp(tables.quality + tables.item_factors @ tables.start[entry])
        weight[entry] = 0
        first, second = np.argsort(-weight)[:2]
        shown = weight[first] + weight[second] * np.exp(task.params.position_weight)
        assert solution.values[0, entry, 1 << entry] == pytest.approx(
            shown / (shown + outside_weight(task.params)), rel=1e-5
        )
        assert solution.slates[0, entry, 1 << entry].tolist() == [first, second]


def test_a_tiny_shop_has_a_proven_optimum():
    best = oracle(tiny_task())
    assert best.kind == "optimal"
    assert best.stderr == 0


def test_a_shop_with_memory_is_refused_with_the_reasons():
    with pytest.raises(ValueError, match="satiation_weight != 0, patience_sd > 0"):
        solve_tiny(tiny_task(satiation_weight=0.3, patience_sd=1.0))
