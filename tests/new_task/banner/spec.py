"""EcomThrowaway-v0."""

from __future__ import annotations

from sb3_ecom.core.references import load_references
from sb3_ecom.core.registry import Spec

from .baselines import win_stay
from .env import BannerTask
from .oracle import clairvoyant, oracle

SPECS = (
    Spec(
        id="EcomThrowaway-v0",
        summary="one of three banners on each page of a visit",
        make_task=BannerTask,
        references=load_references(__file__, "EcomThrowaway-v0"),
        best_known_kind="bound",
        oracle=lambda **kwargs: oracle(BannerTask(**kwargs)),
        baselines={"win_stay": win_stay},
        privileged={"clairvoyant": clairvoyant},
        best_constant=0,
    ),
)
