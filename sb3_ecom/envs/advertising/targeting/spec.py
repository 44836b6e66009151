"""EcomAdsTarget-v0: its task, baselines, oracle and references."""

from __future__ import annotations

from sb3_ecom.core.references import load_references
from sb3_ecom.core.registry import Spec
from sb3_ecom.envs.advertising.targeting import baselines
from sb3_ecom.envs.advertising.targeting.env import TargetTask
from sb3_ecom.envs.advertising.targeting.oracle import oracle, oracle_policy
from sb3_ecom.envs.advertising.targeting.params import PRESETS

SPECS = (
    Spec(
        id="EcomAdsTarget-v0",
        summary="one of 5 creatives or none on each page of a visit",
        make_task=TargetTask,
        references=load_references(__file__, "EcomAdsTarget-v0"),
        best_known_kind="bound",
        oracle=lambda **kwargs: oracle(TargetTask(**kwargs)),
        baselines={
            "capped_greedy": baselines.capped_greedy,
            "popular": baselines.popular,
            "thompson": baselines.thompson,
            "believed_plan": baselines.believed_plan,
        },
        privileged={"oracle_policy": oracle_policy},
        presets=tuple(PRESETS),
        best_constant=4,
        why_not_live="its creatives are made up, and no calibration fits them to an account",
    ),
)
