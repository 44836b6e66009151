"""Myerson's virtual value of lognormal values, and the reserve at which it is 0."""

from __future__ import annotations

import numpy as np

from sb3_ecom.core.arrays import Floats


def virtual_value(log_value: Floats, centre: Floats | float, sd: float) -> Floats:
    """Return v - (1 - F(v)) / f(v) for log v ~ N(centre, sd^2).

    With z = (log v - centre) / sd it is v (1 - sd m(z)), where m(z) = (1 - Phi(z)) / phi(z) is Mills' ratio.

    Source: R. Myerson, "Optimal auction design", Mathematics of Operations Research 6 (1981), eq. (5.1).
    """
    from scipy import special

    z = (log_value - centre) / sd
    mills = np.sqrt(np.pi / 2) * special.erfcx(z / np.sqrt(2))
    return np.asarray(np.exp(log_value) * (1 - sd * mills))


def myerson_reserve(centre: float, sd: float) -> float:
    """Return the log reserve at which the virtual value of a lognormal law is 0: m(z) = 1 / sd."""
    from scipy import optimize

    def gap(z: float) -> float:
        return float(virtual_value(np.asarray(sd * z), 0.0, sd))

    return centre + sd * float(optimize.brentq(gap, -30.0, 30.0 / max(sd, 1.0)))
