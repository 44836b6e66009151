"""EcomAdsRank-v0: its task, baselines, oracle and references."""

from __future__ import annotations

from sb3_ecom.core.parametric import Parameter, Parametric, with_tuned
from sb3_ecom.core.references import load_references
from sb3_ecom.core.registry import Spec
from sb3_ecom.envs.advertising.rank import baselines
from sb3_ecom.envs.advertising.rank.env import RankTask
from sb3_ecom.envs.advertising.rank.oracle import oracle, oracle_policy
from sb3_ecom.envs.advertising.rank.params import PRESETS

SPECS = (
    Spec(
        id="EcomAdsRank-v0",
        summary="a platform's reserve and click weight over 60 days of ad auctions",
        make_task=RankTask,
        references=load_references(__file__, "EcomAdsRank-v0"),
        best_known_kind="best-known",
        oracle=lambda episodes=512, seed=0, **kwargs: oracle(RankTask(**kwargs), episodes, seed),
        baselines=with_tuned(
            __file__,
            "EcomAdsRank-v0",
            {
                "constant": Parametric(
                    baselines.constant,
                    (
                        Parameter("log_reserve", -3.0, 1.0, -1.4),
                        Parameter("exponent", 0.0, 1.5, 0.8),
                    ),
                ),
                "myerson": baselines.myerson,
                "tracking": Parametric(
                    baselines.tracking,
                    (
                        Parameter("log_reserve", -3.0, 1.0, -0.8),
                        Parameter("exponent", 0.0, 1.5, 0.9),
                    ),
                ),
                "planned": baselines.planned,
            },
        ),
        privileged={"oracle_policy": oracle_policy},
        presets=tuple(PRESETS),
        why_not_live="it sets the rules of an ads platform's auctions, and no form runs auctions",
        best_constant=(-0.682, -0.061),
        teaches=(
            "a platform that never looks still earns most of the revenue with a well-chosen reserve: the id "
            "teaches what following the market is worth, over the baseline `constant`"
        ),
    ),
)
