"""EcomDistribution-v0."""

from __future__ import annotations

from sb3_ecom.core.references import load_references
from sb3_ecom.core.registry import Spec
from sb3_ecom.envs.inventory.distribution.baselines import DISTRIBUTION
from sb3_ecom.envs.inventory.distribution.env import DistributionTask
from sb3_ecom.envs.inventory.distribution.oracle import oracle

SPECS = (
    Spec(
        id="EcomDistribution-v0",
        summary="one warehouse and its retailers: buy for all, and share out what there is",
        make_task=DistributionTask,
        references=load_references(__file__, "EcomDistribution-v0"),
        best_known_kind="bound",
        oracle=lambda **kwargs: oracle(DistributionTask(**kwargs)),
        baselines=DISTRIBUTION,
        criterion="average",
        why_not_live="it ships to several places, and a Planner orders for one",
        best_constant=(-0.383, -0.034, 0.053, 0.227),
    ),
)
