"""EcomRecCold-v0: data only."""

from __future__ import annotations

from sb3_ecom.core.references import load_references
from sb3_ecom.core.registry import Spec
from sb3_ecom.envs.recommendation.cold_start import baselines, oracle
from sb3_ecom.envs.recommendation.cold_start.env import ColdStartTask

SPECS = (
    Spec(
        id="EcomRecCold-v0",
        summary="show one of 20 items that are new in every episode, 200 times",
        make_task=ColdStartTask,
        references=load_references(__file__, "EcomRecCold-v0"),
        best_known_kind="bound",
        oracle=lambda **kwargs: oracle.oracle(ColdStartTask(**kwargs)),
        baselines={
            "features_only": baselines.features_only,
            "epsilon_greedy": baselines.epsilon_greedy,
            "ucb": baselines.ucb,
            "thompson": baselines.thompson,
            "linucb": baselines.LinUcb,
            "thompson_features": baselines.thompson_features,
        },
        privileged={"clairvoyant": oracle.clairvoyant},
        best_constant=0,
        why_not_live="its items are made up anew in every episode, and no calibration fits them to a shop",
    ),
)
