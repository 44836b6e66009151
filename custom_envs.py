"""rl_zoo3 imports a module of this name, if there is one, before it parses its arguments."""

import sb3_ecom  # noqa: F401
from sb3_ecom.sb3.zoo_arguments import name_wrong_pairs

name_wrong_pairs()
