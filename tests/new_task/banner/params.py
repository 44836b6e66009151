"""Parameters of the banner task."""

from __future__ import annotations

from dataclasses import dataclass

from sb3_ecom.core.checks import check_whole


@dataclass(frozen=True, kw_only=True)
class BannerParams:
    """Pages of a visit and banners to choose from."""

    banners: int = 3
    horizon: int = 6  # pages
    liking: float = 0.6  # chance of a click on the banner that the visitor likes
    other: float = 0.05  # chance of a click on any other

    def __post_init__(self) -> None:
        """Check the sizes."""
        check_whole("banners", self.banners, 2)
        check_whole("horizon", self.horizon, 1)
