"""EcomAdsKeyword-v0: its task, baselines, oracle and references."""

from __future__ import annotations

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
        baselines={
            "truthful": baselines.truthful,
            "fixed_cpa": baselines.fixed_cpa,
            "dual_pacing": baselines.dual_pacing,
            "learnt_landscape": baselines.learnt_landscape,
        },
        privileged={"oracle_policy": oracle_policy},
        presets=tuple(PRESETS),
        why_not_live="its keywords are made up, and no calibration fits them to an account",
    ),
)
