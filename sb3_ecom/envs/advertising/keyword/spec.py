"""EcomAdsKeyword-v0: its task, baselines, oracle and references."""

from __future__ import annotations

from sb3_ecom.core.parametric import Parameter, Parametric, with_tuned
from sb3_ecom.core.references import load_references
from sb3_ecom.core.registry import Spec
from sb3_ecom.envs.advertising.keyword import baselines
from sb3_ecom.envs.advertising.keyword.env import KeywordTask
from sb3_ecom.envs.advertising.keyword.oracle import oracle, oracle_policy
from sb3_ecom.envs.advertising.keyword.params import PRESETS

SPECS = (
    Spec(
        id="EcomAdsKeyword-v0",
        summary="60 days of bids on 10 keywords that share a daily budget",
        make_task=KeywordTask,
        references=load_references(__file__, "EcomAdsKeyword-v0"),
        best_known_kind="bound",
        oracle=lambda episodes=128, seed=0, **kwargs: oracle(KeywordTask(**kwargs), episodes, seed),
        baselines=with_tuned(
            __file__,
            "EcomAdsKeyword-v0",
            {
                "truthful": Parametric(baselines.truthful, (Parameter("share", 0.0, 2.0, 0.6),)),
                "fixed_cpa": Parametric(baselines.fixed_cpa, (Parameter("share", 0.0, 2.0, 0.3),)),
                "dual_pacing": Parametric(
                    baselines.dual_pacing,
                    (
                        Parameter("rate", 0.0, 2.0, 0.4),
                        Parameter("share", 0.0, 2.0, 0.7),
                    ),
                ),
                "learnt_landscape": Parametric(
                    baselines.learnt_landscape, (Parameter("explore", 0.0, 0.5, 0.05),)
                ),
            },
        ),
        privileged={"oracle_policy": oracle_policy},
        presets=tuple(PRESETS),
        why_not_live="its keywords are made up, and no calibration fits them to an account",
        best_constant=(-0.5,) * 10,
        teaches=(
            "one bid for all keywords and days earns most of what is possible: the id teaches what telling "
            "keywords apart is worth, over `truthful` and `learnt_landscape`"
        ),
    ),
)
