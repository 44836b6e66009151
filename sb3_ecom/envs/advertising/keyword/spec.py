"""EcomAdsKeyword-v0: data only."""

from __future__ import annotations

from sb3_ecom.core.references import load_references
from sb3_ecom.core.registry import Spec
from sb3_ecom.envs.advertising.keyword import baselines, oracle
from sb3_ecom.envs.advertising.keyword.env import PRESETS, KeywordTask

SPECS = (
    Spec(
        id="EcomAdsKeyword-v0",
        summary="60 days of bids on 10 keywords that share a daily budget",
        make_task=KeywordTask,
        references=load_references(__file__, "EcomAdsKeyword-v0"),
        best_known_kind="bound",
        oracle=oracle.solve,
        baselines={
            "truthful": baselines.truthful,
            "fixed_cpa": baselines.fixed_cpa,
            "dual_pacing": baselines.dual_pacing,
            "learnt_landscape": baselines.learnt_landscape,
        },
        privileged={"oracle_policy": oracle.oracle_policy},
        presets=tuple(PRESETS),
        # On top of that very bidder; on the same 256 campaigns 5.7 (.9) more.
    ),
)
