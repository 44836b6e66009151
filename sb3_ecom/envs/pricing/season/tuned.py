"""Tuned constants of the default season's rules, by `python benchmarks/studies/tune_pricing.py`."""

from __future__ import annotations

#: rule -> constants
TUNED: dict[str, tuple[float, ...]] = {
    "fixed_price": (0.2625,),
    "fluid_once": (-0.05,),
    "stock_pace": (0.5, 1.15, -0.2),
    "fluid_resolved": (0.0,),
    "certainty_equivalence": (0.05,),
    "thompson": (0.05,),
    "controlled_variance": (0.05, 0.15),
    "bayes_resolving": (0.0,),
}
