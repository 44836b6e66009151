"""Sales table -> fitted demand -> fidelity report (`sb3_ecom calibrate inventory`)."""

from sb3_ecom.envs.inventory.calibration.calibrate import SUMMARY, add_arguments, run

__all__ = ["SUMMARY", "add_arguments", "run"]
