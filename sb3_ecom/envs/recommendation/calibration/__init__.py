"""Click log -> fitted visitors -> fidelity report (`sb3_ecom calibrate recommendation`)."""

from sb3_ecom.envs.recommendation.calibration.calibrate import SUMMARY, add_arguments, run

__all__ = ["SUMMARY", "add_arguments", "run"]
