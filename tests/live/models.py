"""Small models for tests of exported policies."""

from pathlib import Path

from stable_baselines3 import PPO

from sb3_ecom.sb3 import VecItemRows, VecResidual, make_vec_env


def save_bidder(folder: Path, *, rule: str | None = "model_predictive_feedback", **kwargs) -> Path:
    """Save a model of EcomAds-v0, trained for one batch."""
    venv = make_vec_env("EcomAds-v0", 4, seed=1, **kwargs)
    if rule is not None:
        venv = VecResidual(venv, rule=rule)
    return _train(venv, folder)


def save_auto_bidder(folder: Path, **kwargs) -> Path:
    """Save a model of EcomAdsAuto-v0, trained for one batch."""
    return _train(make_vec_env("EcomAdsAuto-v0", 4, seed=1, **kwargs), folder)


def save_planner(folder: Path, *, rule: str | None = "forecast_refined", **kwargs) -> Path:
    """Save a model of the item rows of EcomInventory-v0, trained for one batch."""
    venv = VecItemRows(
        make_vec_env("EcomInventory-v0", 4, seed=1, **kwargs), rule=rule, twin=rule is not None
    )
    return _train(venv, folder)


def _train(venv, folder: Path) -> Path:
    size = {"log_std_init": 0.0, "net_arch": [8]}
    model = PPO("MlpPolicy", venv, n_steps=32, batch_size=64, learning_rate=0.05, policy_kwargs=size)
    model.learn(32 * venv.num_envs)
    folder.mkdir(parents=True, exist_ok=True)
    model.save(folder / "ppo.zip")
    return folder / "ppo.zip"
