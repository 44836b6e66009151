"""EcomAds-v0: its task, baselines, oracle and references."""

from __future__ import annotations

from sb3_ecom.core.parametric import Parameter, Parametric, with_tuned
from sb3_ecom.core.references import load_references
from sb3_ecom.core.registry import Spec
from sb3_ecom.envs.advertising.pacing import baselines, rules, smoothing
from sb3_ecom.envs.advertising.pacing.env import PacingTask
from sb3_ecom.envs.advertising.pacing.oracle import OraclePolicy, oracle
from sb3_ecom.envs.advertising.pacing.presets import preset_names

SPECS = (
    Spec(
        id="EcomAds-v0",
        summary="pace a day's budget over 48 ticks of auctions",
        make_task=PacingTask,
        references=load_references(__file__, "EcomAds-v0"),
        best_known_kind="bound",
        oracle=lambda episodes=256, seed=0, **kwargs: oracle(PacingTask(**kwargs), episodes, seed),
        baselines=with_tuned(
            __file__,
            "EcomAds-v0",
            {
                "fixed_cpa": Parametric(rules.fixed_cpa, (Parameter("log_multiplier", -2.0, 2.0, 0.2),)),
                "constant": Parametric(baselines.constant, (Parameter("thrift", 0.5, 2.0, 1.1),)),
                "pid": Parametric(
                    baselines.pid,
                    (
                        Parameter("proportional", 0.0, 2.0, 0.3),
                        Parameter("derivative", 0.0, 2.0, 0.15),
                    ),
                ),
                "dual_pacing": Parametric(baselines.dual_pacing, (Parameter("rate", 0.0, 2.0, 0.35),)),
                "online_lp": rules.online_lp,
                "marginal_return": Parametric(
                    rules.marginal_return,
                    (
                        Parameter("tension", 0.0, 5.0, 1.5),
                        Parameter("decay", 0.0, 0.99, 0.8),
                        Parameter("prior", 1.0, 400.0, 80.0),
                    ),
                ),
                "model_predictive": baselines.model_predictive,
                "model_predictive_feedback": baselines.model_predictive_feedback,
                "model_predictive_smoothed": Parametric(
                    smoothing.model_predictive_smoothed,
                    (
                        Parameter("decay", 0.001, 1.0, 0.01),
                        Parameter("prior", 1.0, 200.0, 20.0),
                        Parameter("gain", 0.0, 4.0, 1.6),
                        Parameter("persistence", 0.0, 1.0, 0.6),
                    ),
                ),
            },
        ),
        privileged={"oracle_policy": OraclePolicy},
        presets=preset_names(),
        live_form="Bidder",
        best_constant=(0.084,),
        constant_kwargs={"control": "absolute"},
        teaches=(
            "one bid all day earns most of what is possible in the default market: the id teaches the "
            "pacing that is left; the preset `newcampaign`, whose hours are not known, leaves a learner more"
        ),
    ),
)
