"""Parameters of a campaign over several channels."""

from __future__ import annotations

from dataclasses import dataclass

from sb3_ecom.core.checks import check_fields, check_finite_fields, check_whole


@dataclass(frozen=True, kw_only=True)
class ChannelParams:
    """Money comes in every day, is spent on channels or saved, works on, and saturates.

    Money is counted in days of income. Revenue of a channel on a day is
    demand x effect x ceiling x (1 - exp(-stock / saturation)), where stock <- carry x stock + spend.
    """

    days: int = 90  # per campaign, >= 2
    ceiling: tuple[float, ...] = (3.0, 2.2, 1.8, 2.4, 3.0, 1.0)  # revenue/day, mean effect, saturated
    saturation: tuple[float, ...] = (0.45, 0.5, 0.6, 1.2, 2.4, 0.12)  # stock, in days of income
    carry: tuple[float, ...] = (0.05, 0.3, 0.45, 0.65, 0.8, 0.1)  # share of the stock left next day
    effect_sd: float = 0.8  # sd of the hidden log effect of a channel, fixed for a campaign
    noise_sd: float = 0.6  # sd of the log noise of a channel's daily revenue
    weekday: tuple[float, ...] = (1.0, 1.0, 1.0, 0.98, 0.87, 0.95, 1.22)  # demand from Monday on
    peak_height: float = 1.5  # extra demand at the height of the season
    peak_width: float = 6.0  # days, sd of the season's bell
    peak_low: float = 0.3  # earliest height, as a share of the campaign
    peak_high: float = 0.9  # latest height

    def __post_init__(self) -> None:
        check_finite_fields(self)
        check_fields(self, "days", low=2, high=10_000)
        check_whole("len(ceiling)", self.channels, 1, 100, "channels")
        for name in ("saturation", "carry"):
            length = len(getattr(self, name))
            if length != self.channels:
                raise ValueError(
                    f"{name} must have one value per ceiling ({len(self.ceiling)}), got {length}"
                )
        check_fields(self, "ceiling", "saturation", "weekday", low=1e-3, high=1e3)
        check_fields(self, "carry", low=0, below=1)
        if len(self.weekday) != 7:
            raise ValueError(f"weekday must hold 7 levels, got {len(self.weekday)}")
        check_fields(self, "effect_sd", "noise_sd", low=0, high=3)
        check_fields(self, "peak_height", low=0, high=10)
        check_fields(self, "peak_width", low=0.1, high=10_000, unit="days")
        check_fields(self, "peak_high", low=0, high=1)
        check_fields(self, "peak_low", low=0, high=self.peak_high, unit="(peak_high)")

    @property
    def channels(self) -> int:
        """Number of channels."""
        return len(self.ceiling)
