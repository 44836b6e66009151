"""Which constants make the rules of EcomPricing-v0's default season earn most?

Every candidate meets the same seasons (common random numbers), on which nobody is evaluated. Prints Python:
the answer is sb3_ecom/envs/pricing/season/tuned.py. Arguments: names of rules; none searches all.

    python benchmarks/studies/tune_pricing.py stock_pace
"""

from __future__ import annotations

import sys
import time

from sb3_ecom.envs.pricing.season.baselines import FAMILIES, search
from sb3_ecom.envs.pricing.season.env import SeasonTask


def main() -> None:
    """Search and print."""
    task = SeasonTask()
    for name in sys.argv[1:] or FAMILIES:
        start = time.process_time()
        constants = tuple(round(value, 4) for value in search(task, name))
        print(f'    "{name}": {constants},  # {time.process_time() - start:.0f} s', flush=True)


if __name__ == "__main__":
    main()
