"""EcomRecOrganic-v0: data only."""

from __future__ import annotations

from sb3_ecom.core.references import load_references
from sb3_ecom.core.registry import Spec
from sb3_ecom.envs.recommendation.organic_browsing import baselines, oracle
from sb3_ecom.envs.recommendation.organic_browsing.env import OrganicBrowsingTask

SPECS = (
    Spec(
        id="EcomRecOrganic-v0",
        summary="recommend one of 10 products to visitors who show their taste by looking around (RecoGym)",
        make_task=OrganicBrowsingTask,
        references=load_references(__file__, "EcomRecOrganic-v0"),
        best_known_kind="bound",
        oracle=lambda **kwargs: oracle.oracle(OrganicBrowsingTask(**kwargs)),
        baselines={
            "popularity": baselines.popularity,
            "last_view": baselines.last_view,
            "most_viewed": baselines.most_viewed,
            "particle_filter": baselines.particle_filter,
        },
        privileged={"clairvoyant": oracle.clairvoyant},
        best_constant=7,
        why_not_live="its products are made up, and no calibration fits them to a shop",
    ),
)
