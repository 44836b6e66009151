"""EcomRecEvolution-v0: data only."""

from __future__ import annotations

from sb3_ecom.core.parametric import Parameter, Parametric, with_tuned
from sb3_ecom.core.references import load_references
from sb3_ecom.core.registry import Spec
from sb3_ecom.envs.recommendation.evolution import baselines, oracle
from sb3_ecom.envs.recommendation.evolution.env import EvolutionTask

SPECS = (
    Spec(
        id="EcomRecEvolution-v0",
        summary="3 of 10 fresh documents a page until the viewer's time is spent (RecSim)",
        make_task=EvolutionTask,
        references=load_references(__file__, "EcomRecEvolution-v0"),
        best_known_kind="best-known",
        oracle=lambda **kwargs: oracle.oracle(EvolutionTask(**kwargs)),
        baselines=with_tuned(
            __file__,
            "EcomRecEvolution-v0",
            {
                "myopic": baselines.myopic,
                "highest_quality": baselines.highest_quality,
                "learned_quality": Parametric(
                    baselines.learned_quality, (Parameter("optimism", 0.0, 5.0, 1.0),)
                ),
                "lambda_greedy": Parametric(baselines.lambda_greedy, (Parameter("minute", 0.0, 4.0, 1.5),)),
            },
        ),
        privileged={"clairvoyant_lambda": oracle.clairvoyant_lambda},
        best_constant=(0, 1, 2),
        why_not_live="its documents are made up anew on every page",
    ),
)
