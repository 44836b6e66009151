"""EcomRecOrganic-v0: data only."""

from __future__ import annotations

from sb3_ecom.core.registry import Spec
from sb3_ecom.envs.recommendation.organic import baselines, oracle
from sb3_ecom.envs.recommendation.organic.env import OrganicTask
from sb3_ecom.envs.recommendation.references import measured, trained

_note = measured("EcomRecOrganic-v0", episodes=2048)

ORGANIC = Spec(
    id="EcomRecOrganic-v0",
    summary="recommend one of 10 products to visitors who show their taste by looking around (RecoGym)",
    make_task=OrganicTask,
    random=_note("random", 0.723, 0.023),
    best_known=_note("clairvoyant", 1.076, 0.031),
    best_known_kind="bound",
    oracle=oracle.bound,
    baselines={
        "popularity": baselines.popularity,
        "last_view": baselines.last_view,
        "most_viewed": baselines.most_viewed,
        "particle_filter": baselines.particle_filter,
    },
    privileged={"clairvoyant": oracle.clairvoyant},
    best_baseline=("particle_filter", _note("particle_filter", 1.046, 0.031)),
    learner=trained("EcomRecOrganic-v0", "ppo", 1.040, 0.022),
    best_constant=7,
)
