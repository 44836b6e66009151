"""EcomRecCold-v0: data only."""

from __future__ import annotations

from sb3_ecom.core.parametric import Parameter, Parametric, with_tuned
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
        baselines=with_tuned(
            __file__,
            "EcomRecCold-v0",
            {
                "features_only": baselines.features_only,
                "epsilon_greedy": Parametric(
                    baselines.epsilon_greedy, (Parameter("epsilon", 0.0, 0.5, 0.1),)
                ),
                "ucb": baselines.ucb,
                "thompson": Parametric(baselines.thompson, (Parameter("prior", 0.5, 60.0, 6.0),)),
                "linucb": Parametric(
                    baselines.LinUcb,
                    (
                        Parameter("prior", 0.5, 60.0, 6.0),
                        Parameter("bonus", 0.0, 3.0, 0.7),
                    ),
                ),
                "horizon_ucb": Parametric(
                    baselines.horizon_ucb,
                    (
                        Parameter("prior", 0.5, 60.0, 6.0),
                        Parameter("bonus", 0.0, 5.0, 0.7),
                        Parameter("fade", 0.0, 3.0, 0.5),
                    ),
                ),
                "thompson_features": Parametric(
                    baselines.thompson_features, (Parameter("prior", 0.5, 60.0, 6.0),)
                ),
            },
        ),
        privileged={"clairvoyant": oracle.clairvoyant},
        best_constant=0,
        why_not_live="its items are made up anew in every episode, and no calibration fits them to a shop",
    ),
)
