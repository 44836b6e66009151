"""What a seed's visitors do, in numbers written down: a change for speed must not move them."""

import numpy as np
import pytest

import sb3_ecom
from sb3_ecom.core.loop import StepLoop

# 400 random pages from seed 0: clicks, purchases, episodes ended, sum of the observations.
RECORDED = {
    ("EcomRec-v0", 1): (131, 19, 43, 2555.6),
    ("EcomRec-v0", 8): (128, 25, 51, 1244.6),
    ("EcomRecSlate-v0", 1): (32, 1, 47, 1865.6),
    ("EcomRecSlate-v0", 8): (25, 7, 58, 1804.8),
    ("EcomRecSingle-v0", 1): (6, 1, 51, 1137.8),
    ("EcomRecSingle-v0", 8): (5, 0, 62, 1407.3),
}


@pytest.mark.parametrize(("env_id", "copies"), RECORDED)
def test_a_seed_gives_the_trajectories_on_record(env_id, copies):
    task = sb3_ecom.spec(env_id).make_task()
    task.action_space.seed(0)
    loop = StepLoop(task, copies)
    loop.reset(0)
    found = np.zeros(4)
    for _ in range(400 // copies):
        result = loop.step(np.stack([task.action_space.sample() for _ in range(copies)]))
        sums = (result.reward.sum(), result.terms["purchases"].sum(), result.rows.size)
        found += (*sums, result.observation.sum(dtype=np.float64))
    clicks, purchases, ended, seen = RECORDED[env_id, copies]
    assert found[:3].tolist() == [clicks, purchases, ended]
    assert found[3] == pytest.approx(seen, abs=0.5)
