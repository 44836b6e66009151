"""The inventory ids: data only."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sb3_ecom.core.registry import Kind, Oracle, Reference, Spec
from sb3_ecom.envs.inventory.baselines.chain import CHAIN
from sb3_ecom.envs.inventory.baselines.distribution import DISTRIBUTION
from sb3_ecom.envs.inventory.baselines.dual_sourcing import DUAL_SOURCING
from sb3_ecom.envs.inventory.baselines.perishable import PERISHABLE
from sb3_ecom.envs.inventory.baselines.serial import SERIAL
from sb3_ecom.envs.inventory.baselines.shop import PRIVILEGED, SHOP
from sb3_ecom.envs.inventory.baselines.single_item import LOST_SALES, SETUP_COST
from sb3_ecom.envs.inventory.oracles import (
    chain,
    distribution,
    dual_sourcing,
    perishable,
    serial,
    shop,
    single_item,
)
from sb3_ecom.envs.inventory.tasks.chain import ChainTask
from sb3_ecom.envs.inventory.tasks.distribution import DistributionTask
from sb3_ecom.envs.inventory.tasks.dual_sourcing import DualSourcingTask
from sb3_ecom.envs.inventory.tasks.perishable import PerishableTask
from sb3_ecom.envs.inventory.tasks.serial import SerialTask
from sb3_ecom.envs.inventory.tasks.shop import ShopTask
from sb3_ecom.envs.inventory.tasks.single_item import LostSalesTask, SetupCostTask


def _measured(env_id: str, policy: str, value: float, stderr: float, episodes: int = 4096) -> Reference:
    command = f"python -m sb3_ecom evaluate {env_id} --baseline {policy} --episodes {episodes} --seed 0"
    return Reference(value=value, stderr=stderr, command=command)


def _best(env_id: str, policy: str, value: float, stderr: float) -> tuple[str, Reference]:
    return policy, _measured(env_id, policy, value, stderr, 1024)


def _trained(env_id: str, value: float, stderr: float) -> tuple[str, Reference]:
    """Return a `learner`: one seed of PPO as zoo_configs/ppo.yml trains it."""
    train = f"python -m rl_zoo3.train --env {env_id} --gym-packages sb3_ecom.fast -conf zoo_configs/ppo.yml"
    evaluate = f"python -m sb3_ecom evaluate {env_id} --model logs/ppo/{env_id}_1 --episodes 4096"
    return "PPO", Reference(value=value, stderr=stderr, command=f"{train} --seed 1; {evaluate}")


def _fresh(env_id: str, value: float, stderr: float) -> tuple[str, Reference]:
    """Return a `learner`: the mean over three seeds of PPO, in episodes that no setting was chosen on."""
    command = f"python benchmarks/inventory_scores.py {env_id} --seeds 3"
    return "PPO", Reference(value=value, stderr=stderr, command=command)


def _computed(env_id: str, value: float) -> Reference:
    command = f"python -c \"import sb3_ecom; print(sb3_ecom.spec('{env_id}').oracle().value)\""
    return Reference(value=value, stderr=0.0, command=command)


def _oracle(make_task: Callable[..., Any], solve: Callable[[Any], Oracle]) -> Callable[..., Oracle]:
    return lambda **kwargs: solve(make_task(**kwargs))


def _average_cost(
    env_id: str,
    summary: str,
    make_task: Callable[..., Any],
    solve: Callable[[Any], Oracle],
    *,
    random: tuple[float, float],
    optimum: float,
    kind: Kind = "optimal",
    **fields: Any,
) -> Spec:
    """Return the Spec of an id whose average cost has a computed optimum or bound."""
    return Spec(
        id=env_id,
        summary=summary,
        make_task=make_task,
        random=_measured(env_id, "random", *random),
        best_known=_computed(env_id, optimum),
        best_known_kind=kind,
        oracle=_oracle(make_task, solve),
        criterion="average",
        **fields,
    )


SPECS = (
    _average_cost(
        "EcomLostSales-v0",
        "one item, lead time, lost sales: keep the shelf neither empty nor full",
        LostSalesTask,
        single_item.oracle,
        random=(-37.1566, 0.0302),
        optimum=-4.728525578,
        baselines=LOST_SALES,
        best_baseline=_best("EcomLostSales-v0", "dual_balancing", -4.772, 0.018),
        learner=_trained("EcomLostSales-v0", -4.8132, 0.0095),
    ),
    _average_cost(
        "EcomSetupCost-v0",
        "one item, a fixed cost per order: order in batches, neither too early nor too late",
        SetupCostTask,
        single_item.oracle,
        random=(-151.7644, 0.0232),
        optimum=-37.064353638,
        baselines=SETUP_COST,
        best_baseline=_best("EcomSetupCost-v0", "s_S", -37.05, 0.040),
        learner=_trained("EcomSetupCost-v0", -37.1342, 0.0200),
    ),
    _average_cost(
        "EcomDualSourcing-v0",
        "one item, a cheap slow supplier and a dear fast one",
        DualSourcingTask,
        dual_sourcing.oracle,
        random=(-328.3635, 0.2145),
        optimum=-216.769801686,
        baselines=DUAL_SOURCING,
        best_baseline=_best("EcomDualSourcing-v0", "capped_dual_index", -217.0, 0.42),
        learner=_trained("EcomDualSourcing-v0", -223.2786, 0.2215),
    ),
    _average_cost(
        "EcomPerishable-v0",
        "one item that spoils after two periods: neither lost sales nor waste",
        PerishableTask,
        perishable.oracle,
        random=(-40.4829, 0.0469),
        optimum=-22.164736131,
        baselines=PERISHABLE,
        best_baseline=_best("EcomPerishable-v0", "constant_order", -22.58, 0.062),
        learner=_trained("EcomPerishable-v0", -22.5305, 0.0314),
    ),
    _average_cost(
        "EcomSerial-v0",
        "a three-stage supply chain with backlog: order for every stage",
        SerialTask,
        serial.oracle,
        random=(-228.0547, 0.1415),
        optimum=-72.046741016,
        baselines=SERIAL,
        best_baseline=_best("EcomSerial-v0", "echelon_base_stock", -72.07, 0.187),
        learner=_fresh("EcomSerial-v0", -72.3974, 0.1562),
    ),
    _average_cost(
        "EcomDistribution-v0",
        "one warehouse and its retailers: buy for all, and share out what there is",
        DistributionTask,
        distribution.oracle,
        random=(-63.1183, 0.0365),
        optimum=-22.870117974,
        kind="bound",
        baselines=DISTRIBUTION,
        best_baseline=(
            "base_stock_least_cost",
            _measured("EcomDistribution-v0", "base_stock_least_cost", -22.87, 0.033),
        ),
        learner=_fresh("EcomDistribution-v0", -22.8624, 0.0324),
    ),
    Spec(
        id="EcomChain-v0",
        summary="a supply chain with capacities and long lead times, for one season of 30 periods",
        make_task=ChainTask,
        random=_measured("EcomChain-v0", "random", -668.520, 2.520),
        best_known=_measured("EcomChain-v0", "ending_base_stock", 530.623, 0.550),
        best_known_kind="best-known",
        oracle=_oracle(ChainTask, chain.oracle),
        baselines=CHAIN,
        best_baseline=("ending_base_stock", _measured("EcomChain-v0", "ending_base_stock", 530.623, 0.550)),
        learner=_fresh("EcomChain-v0", 530.715, 0.5398),
    ),
    Spec(
        id="EcomInventory-v0",
        summary="a web shop's warehouse: shared storage, drifting demand that empty shelves hide",
        make_task=ShopTask,
        random=_measured("EcomInventory-v0", "random", -29.794, 0.547),
        best_known=_measured("EcomInventory-v0", "knows_rate", 113.903, 0.409),
        best_known_kind="best-known",
        oracle=_oracle(ShopTask, shop.oracle),
        baselines=SHOP,
        best_baseline=_best("EcomInventory-v0", "forecast_refined", 108.3, 0.765),
        learner=(
            "PPO",
            Reference(value=109.068, stderr=0.563, command="python benchmarks/inventory_ladder.py --seeds 5"),
        ),
        privileged=PRIVILEGED,
        presets=("online_retail_uk",),
    ),
)
