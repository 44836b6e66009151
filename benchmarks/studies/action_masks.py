"""What does masking the items that a visitor has opened earn?

PPO and MaskablePPO train alike on EcomRecSingle-v0; both then meet the same visitors. The answer is in the
last lines printed: the mean return of either and its standard error over visitors.

    python benchmarks/studies/action_masks.py --steps 200000 --seeds 2
"""

from __future__ import annotations

import argparse

import numpy as np
from sb3_contrib import MaskablePPO
from sb3_contrib.common.maskable.utils import get_action_masks
from stable_baselines3 import PPO

from sb3_ecom.sb3 import make_vec_env

SETTINGS = {"n_steps": 32, "batch_size": 2048, "n_epochs": 4, "gamma": 1.0, "device": "cpu"}


def mean_return(model: PPO | MaskablePPO, env_id: str, episodes: int) -> tuple[float, float]:
    """Return the mean return of whole first episodes of `episodes` visitors, and its standard error."""
    venv = make_vec_env(env_id, episodes, seed=12_345)
    seen, found = venv.reset(), np.full(episodes, np.nan)
    while np.isnan(found).any():
        masks = {"action_masks": get_action_masks(venv)} if isinstance(model, MaskablePPO) else {}
        seen, _, _, infos = venv.step(model.predict(seen, deterministic=True, **masks)[0])
        for row, info in enumerate(infos):
            if "episode" in info and np.isnan(found[row]):
                found[row] = info["episode"]["r"]
    return float(found.mean()), float(found.std(ddof=1) / np.sqrt(episodes))


def main() -> None:
    """Train and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--env", default="EcomRecSingle-v0")
    parser.add_argument("--steps", type=int, default=200_000)
    parser.add_argument("--seeds", type=int, default=2)
    options = parser.parse_args()
    print("algorithm,seed,steps,return,stderr")
    for seed in range(options.seeds):
        for kind in (PPO, MaskablePPO):
            model = kind("MlpPolicy", make_vec_env(options.env, 128, seed=seed), seed=seed, **SETTINGS)
            model.learn(options.steps)
            mean, error = mean_return(model, options.env, 2048)
            print(f"{kind.__name__},{seed},{options.steps},{mean:.3f},{error:.3f}", flush=True)


if __name__ == "__main__":
    main()
