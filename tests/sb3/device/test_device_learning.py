"""Learning curves of DevicePPO and of SB3's PPO, five seeds each.

pytest -m slow -s tests/sb3/test_device_learning.py
"""

import numpy as np
import pytest
from scipy import stats
from stable_baselines3 import PPO
from stable_baselines3.common.callbacks import BaseCallback

from sb3_ecom.sb3 import make_vec_env
from sb3_ecom.sb3.device import DevicePPO, make_device_env

SEEDS = range(5)
ROLLOUTS, COPIES = 20, 64
SETTINGS = {"n_steps": 16, "batch_size": 256, "n_epochs": 4, "learning_rate": 1e-3, "gamma": 0.97}
# Discrete and continuous. The toys are learned within the budget; of ours, 20,000 steps show the start.
IDS = ("EcomToyDiscrete-v0", "EcomToy-v0", "EcomLostSales-v0", "EcomRec-v0")


class Curve(BaseCallback):
    """The mean reward per step of every rollout."""

    def __init__(self):
        super().__init__()
        self.points = []
        self._sums = []

    def _on_step(self):
        self._sums.append(float(self.locals["rewards"].mean()))
        return True

    def _on_rollout_end(self):
        self.points.append(np.mean(self._sums))
        self._sums.clear()


def curves(algorithm, env_id, build, **kwargs):
    found = []
    for seed in SEEDS:
        curve = Curve()
        model = algorithm(
            "MlpPolicy", build(env_id, COPIES, stagger=True, **kwargs), seed=seed, device="cpu", **SETTINGS
        )
        model.learn(ROLLOUTS * COPIES * SETTINGS["n_steps"], callback=curve, log_interval=None)
        found.append(curve.points)
    return np.array(found)  # (seeds, rollouts)


@pytest.mark.slow
@pytest.mark.parametrize("env_id", IDS)
def test_learning_curves_are_indistinguishable(env_id):
    theirs = curves(PPO, env_id, make_vec_env)
    ours = curves(DevicePPO, env_id, make_device_env, device="cpu")
    quarter = ROLLOUTS // 4
    print()
    for name, part in (("whole curve", slice(None)), ("last quarter", slice(-quarter, None))):
        a, b = ours[:, part].mean(1), theirs[:, part].mean(1)
        test = stats.ttest_ind(a, b, equal_var=False)
        spread = [f"{x.mean():.4f} +- {x.std(ddof=1) / np.sqrt(len(x)):.4f}" for x in (a, b)]
        print(f"{env_id}, {name}: DevicePPO {spread[0]}, PPO {spread[1]} a step, p = {test.pvalue:.2f}")
        assert test.pvalue > 0.01
    start, end = theirs[:, :2].mean(), theirs[:, -quarter:].mean()
    print(f"{env_id}: from {start:.4f} to {end:.4f}")
    assert "Toy" not in env_id or end > start, "nothing was learned, so nothing was compared"
