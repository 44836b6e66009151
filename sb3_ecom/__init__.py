"""Reference e-commerce environments for Stable-Baselines3; importing this registers every id.

Neither torch nor stable_baselines3 is imported here: `sb3_ecom.sb3` is the room for both.
"""

from sb3_ecom.core import moved_names
from sb3_ecom.core.evaluate import Result, evaluate
from sb3_ecom.core.references import Reference, References
from sb3_ecom.core.registry import Oracle, Spec, discover, register, spec, specs

__version__ = "0.1.0"
__all__ = ["Oracle", "Reference", "References", "Result", "Spec", "evaluate", "register", "spec", "specs"]

moved_names.install()
discover()
