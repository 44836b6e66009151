"""Table of prices and sales -> price sensitivity and demand level -> fidelity report."""

from sb3_ecom.envs.pricing.calibration.calibrate import SUMMARY, add_arguments, run

__all__ = ["SUMMARY", "add_arguments", "run"]
