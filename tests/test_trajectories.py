"""A seed's trajectory of every id is the one on record: no refactoring or change for speed moves it.

`python -m tests.test_trajectories` writes the record anew; do that only with a new version of an id.

The record holds hashes, which agree to the last bit on the kind of processor that wrote them, and values to
five digits, which agree everywhere.
"""

import hashlib
import json
import sys
from pathlib import Path

import numpy as np
import pytest
from gymnasium.vector.utils import batch_space

import sb3_ecom
from sb3_ecom.core.loop import StepLoop

RECORD = Path(__file__).parent / "recorded" / "trajectories.json"
STEPS = {1: 300, 8: 60}
#: Arguments that reach code which the default task does not: name -> (id, kwargs).
VARIANTS = {
    "EcomAds-v0 newcampaign": ("EcomAds-v0", {"preset": "newcampaign"}),
    "EcomAds-v0 absolute": ("EcomAds-v0", {"control": "absolute", "reward_weights": {"expected": 1.0}}),
    "EcomInventory-v0 quantity": ("EcomInventory-v0", {"action": "quantity"}),
    "EcomInventory-v0 trucks": (
        "EcomInventory-v0",
        {"truck_cost": 0.3, "substitution": 0.3, "promotions_a_year": 4.0, "dispatch_days": (0, 3)},
    ),
    "EcomRec-v0 profit": (
        "EcomRec-v0",
        {"reward_weights": {"clicks": 0.1, "purchases": 0.5, "margin": 1.0, "returns": 1.0}},
    ),
    "EcomSetupCost-v0 lost": ("EcomSetupCost-v0", {"unmet": "lost"}),
}


def tasks():
    ours = (env_id for env_id in sorted(sb3_ecom.specs()) if "Toy" not in env_id)
    ids = {env_id: (env_id, {}) for env_id in ours}
    return ids | VARIANTS


def digest(arrays):
    joined = hashlib.sha256()
    for array in arrays:
        joined.update(np.ascontiguousarray(array).tobytes())
    return joined.hexdigest()[:16]


def processor():
    """Return what decides the last bit of NumPy's functions."""
    features = np._core._multiarray_umath.__cpu_features__
    return f"numpy {np.__version__} " + " ".join(sorted(name for name, on in features.items() if on))


def play(name, copies):
    env_id, kwargs = tasks()[name]
    task = sb3_ecom.spec(env_id).make_task(**kwargs)
    space = batch_space(task.action_space, copies)
    space.seed(0)
    loop = StepLoop(task, copies)
    observations, rewards, infos = [loop.reset(0).copy()], [], []
    sums, ended = {}, 0
    for _ in range(STEPS[copies]):
        result = loop.step(space.sample())
        observations.append(result.observation.copy())
        rewards.append(np.array(result.reward))
        shown = {**result.terms, **result.step_info}
        infos += [np.array(shown[key]) for key in sorted(shown)]
        ended += int(result.rows.size)
        for key, values in shown.items():
            sums[key] = sums.get(key, 0.0) + float(np.sum(values, dtype=np.float64))
    seen = np.concatenate(observations)
    return {
        "hashes": [digest(observations), digest(rewards), digest(infos)],
        "episodes": ended,
        "reward": float(np.sum(rewards, dtype=np.float64)),
        "observation": [
            float(np.sum(seen, dtype=np.float64)),
            float(np.sum(np.square(seen, dtype=np.float64))),
        ],
        "infos": dict(sorted(sums.items())),
    }


def close(ours, recorded):
    return ours == pytest.approx(recorded, rel=1e-5, abs=1e-3)


@pytest.mark.parametrize("copies", STEPS)
@pytest.mark.parametrize("name", tasks())
def test_a_seed_gives_the_trajectory_on_record(name, copies):
    record = json.loads(RECORD.read_text())
    recorded, found = record["trajectories"][f"{name} x{copies}"], play(name, copies)
    assert found["episodes"] == recorded["episodes"]
    for key in ("reward", "observation", "infos"):
        assert close(found[key], recorded[key]), key
    if record["processor"] == processor():
        assert found["hashes"] == recorded["hashes"]


def test_every_id_is_on_record():
    recorded = json.loads(RECORD.read_text())["trajectories"]
    assert set(recorded) == {f"{name} x{copies}" for name in tasks() for copies in STEPS}


def main():
    found = {f"{name} x{copies}": play(name, copies) for name in tasks() for copies in STEPS}
    RECORD.write_text(json.dumps({"processor": processor(), "trajectories": found}, indent=1) + "\n")


if __name__ == "__main__":
    sys.exit(main())
