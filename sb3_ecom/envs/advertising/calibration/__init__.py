"""Auction log -> fitted market -> fidelity report (`sb3_ecom calibrate advertising`)."""

from sb3_ecom.envs.advertising.calibration.calibrate import SUMMARY, add_arguments, run

__all__ = ["SUMMARY", "add_arguments", "run"]
