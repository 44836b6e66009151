"""EcomRecContext-v0: data only."""

from __future__ import annotations

from sb3_ecom.core.parametric import Parameter, Parametric, with_tuned
from sb3_ecom.core.references import load_references
from sb3_ecom.core.registry import Spec
from sb3_ecom.envs.recommendation.context import baselines, oracle
from sb3_ecom.envs.recommendation.context.env import ContextTask

SPECS = (
    Spec(
        id="EcomRecContext-v0",
        summary="3 of 34 items for visitors by hour, device and place (Open Bandit log)",
        make_task=ContextTask,
        references=load_references(__file__, "EcomRecContext-v0"),
        best_known_kind="optimal",
        oracle=lambda **kwargs: oracle.oracle(ContextTask(**kwargs)),
        baselines=with_tuned(
            __file__,
            "EcomRecContext-v0",
            {
                "popularity": Parametric(baselines.popularity, (Parameter("epsilon", 0.0, 0.5, 0.1),)),
                "linucb": Parametric(
                    baselines.linucb,
                    (
                        Parameter("doubt", 0.0, 1.0, 0.05),
                        Parameter("ridge", 0.1, 100.0, 20.0),
                    ),
                ),
                "thompson": Parametric(
                    baselines.thompson,
                    (
                        Parameter("doubt", 0.0, 1.0, 0.05),
                        Parameter("ridge", 0.1, 100.0, 20.0),
                    ),
                ),
            },
        ),
        privileged={"clairvoyant": oracle.clairvoyant},
        best_constant=(21, 6, 11),
        why_not_live="its items are those of one published log, and no command calibrates it to yours",
    ),
)
