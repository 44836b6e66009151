"""EcomPricing-v0: its task, baselines, oracle and references."""

from __future__ import annotations

from sb3_ecom.core.references import load_references
from sb3_ecom.core.registry import Spec
from sb3_ecom.envs.pricing.season.baselines import BASELINES
from sb3_ecom.envs.pricing.season.env import SeasonTask
from sb3_ecom.envs.pricing.season.oracle import known_demand, oracle
from sb3_ecom.envs.pricing.season.presets import preset_names

SPECS = (
    Spec(
        id="EcomPricing-v0",
        summary="price finite stocks over a season whose demand is hidden and drifts",
        make_task=SeasonTask,
        references=load_references(__file__, "EcomPricing-v0"),
        best_known_kind="bound",
        oracle=lambda episodes=512, seed=0, **kwargs: oracle(SeasonTask(**kwargs), episodes, seed),
        baselines=BASELINES,
        privileged={"known_demand": known_demand},
        presets=preset_names(),
        live_form="Pricer",
        best_constant=(0.241, 0.133, 0.116, 0.079),
    ),
)
