"""The shipped zoo entries learn each single-item task to below the best base stock's cost."""

import pytest
import yaml

import sb3_ecom
from sb3_ecom.sb3.saved_model import load_policy
from sb3_ecom.sb3.zoo import config_path
from tests.zoo.runner import run

BASE_STOCK = {
    "EcomLostSales-v0": "base_stock",
    "EcomSetupCost-v0": "base_stock",
    "EcomDualSourcing-v0": "single_index",
    "EcomPerishable-v0": "base_stock",
}
KWARGS = {(algo, "EcomDualSourcing-v0"): {"action": "joint"} for algo in ("dqn", "qrdqn")}


@pytest.mark.parametrize("env_id", BASE_STOCK)
@pytest.mark.parametrize("algo", ["ppo", "dqn", "qrdqn"])
def test_zoo_entry_s_env_kwargs_are_a_mapping_that_makes_the_task(algo, env_id):
    # rl-zoo evaluates normalize and policy_kwargs from text, but not env_kwargs.
    entry = yaml.safe_load(config_path(algo).read_text())[env_id]
    kwargs = entry.get("env_kwargs", {})
    assert kwargs == KWARGS.get((algo, env_id), {})
    sb3_ecom.spec(env_id).make_task(**kwargs)


@pytest.mark.slow
@pytest.mark.parametrize("env_id", BASE_STOCK)
@pytest.mark.parametrize("algo", ["ppo", "dqn", "qrdqn"])
def test_zoo_entry_learns_to_below_the_best_base_stock(algo, env_id, tmp_path):
    run(
        tmp_path,
        *("rl_zoo3.train", "--algo", algo, "--env", env_id, "--gym-packages", "sb3_ecom.fast"),
        *("-conf", str(config_path(algo)), "--seed", "1", "--num-threads", "1", "--eval-freq", "-1"),
        timeout=3600,
    )
    kwargs = KWARGS.get((algo, env_id), {})
    model = tmp_path / "logs" / algo / f"{env_id}_1" / f"{env_id}.zip"
    policy = load_policy(str(model), sb3_ecom.spec(env_id).make_task(**kwargs), algo, None, env_id)
    learnt = sb3_ecom.evaluate(env_id, policy, episodes=1024, **kwargs)
    ruled = sb3_ecom.evaluate(env_id, BASE_STOCK[env_id], episodes=1024, **kwargs)
    difference, stderr = learnt.minus(ruled)
    assert difference > 3 * stderr


@pytest.mark.slow
def test_ppo_on_top_of_local_base_stock_comes_close_to_the_optimum(tmp_path):
    env_id = "EcomSerial-v0"
    run(
        tmp_path,
        *("rl_zoo3.train", "--algo", "ppo", "--env", env_id, "--gym-packages", "sb3_ecom.fast"),
        *("-conf", str(config_path("ppo")), "--seed", "0", "--num-threads", "1", "--eval-freq", "-1"),
        timeout=3600,
    )
    entry = sb3_ecom.spec(env_id)
    policy = load_policy(str(tmp_path / "logs" / "ppo" / f"{env_id}_1"), entry.make_task(), env_id=env_id)
    learnt = sb3_ecom.evaluate(env_id, policy, episodes=1024)
    difference, stderr = learnt.minus(sb3_ecom.evaluate(env_id, "local_base_stock", episodes=1024))
    assert difference > 3 * stderr
    assert learnt.mean > 1.02 * entry.oracle().value  # costs: at most 2% above the optimum


@pytest.mark.slow
def test_ppo_on_top_of_the_chain_s_rule_loses_nothing_to_it(tmp_path):
    env_id = "EcomChain-v0"
    run(
        tmp_path,
        *("rl_zoo3.train", "--algo", "ppo", "--env", env_id, "--gym-packages", "sb3_ecom.fast"),
        *("-conf", str(config_path("ppo")), "--seed", "0", "--num-threads", "1", "--eval-freq", "-1"),
        timeout=3600,
    )
    task = sb3_ecom.spec(env_id).make_task()
    policy = load_policy(str(tmp_path / "logs" / "ppo" / f"{env_id}_1"), task, env_id=env_id)
    learnt = sb3_ecom.evaluate(env_id, policy, episodes=4096, seed=7)
    difference, stderr = learnt.minus(sb3_ecom.evaluate(env_id, "ending_base_stock", episodes=4096, seed=7))
    assert difference > -3 * stderr  # paired: about .015 of a profit of 530


@pytest.mark.slow
def test_ppo_on_item_rows_beats_the_best_rule_of_the_shop(tmp_path):
    env_id = "EcomInventory-v0"
    run(
        tmp_path,
        *("rl_zoo3.train", "--algo", "ppo", "--env", env_id, "--gym-packages", "sb3_ecom.fast"),
        *("-conf", str(config_path("ppo")), "--seed", "1", "--num-threads", "1", "--eval-freq", "-1"),
        *("-n", "5000000"),
        timeout=3600,
    )
    policy = load_policy(
        str(tmp_path / "logs" / "ppo" / f"{env_id}_1"), sb3_ecom.spec(env_id).make_task(), env_id=env_id
    )
    ruled = sb3_ecom.evaluate(env_id, "forecast_pro_rata", episodes=4096)
    difference, stderr = sb3_ecom.evaluate(env_id, policy, episodes=4096).minus(ruled)
    assert difference > 3 * stderr
