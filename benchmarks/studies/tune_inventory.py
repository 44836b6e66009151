"""Which parameters make the reorder rules of EcomInventory-v0's shipped shop earn most?

Every candidate meets the same half-years (common random numbers). Prints Python: the answer is
sb3_ecom/envs/inventory/shop/tuned.py. Arguments: names of rules; none searches all.

    python benchmarks/studies/tune_inventory.py forecast_refined
"""

from __future__ import annotations

import sys
import time

from sb3_ecom.envs.inventory.shop.env import ShopTask
from sb3_ecom.envs.inventory.shop.forecasts import fitted_constants
from sb3_ecom.envs.inventory.shop.reorder_rules import RULES
from sb3_ecom.envs.inventory.shop.tuning import item_profits, search, search_all


def main() -> None:
    """Search and print."""
    task = ShopTask()
    constants = fitted_constants(task.signature).round(4).tolist()
    print(f"SMOOTHING = {tuple(constants)}", flush=True)
    chosen = sys.argv[1:] or [*RULES, "known_rate"]
    for name in chosen:
        rule = RULES["forecast_pro_rata" if name == "known_rate" else name]
        known_rate = name == "known_rate"
        start = time.perf_counter()
        thorough = search_all if known_rate or name == "forecast_refined" else search
        u, v, spent = thorough(task, rule, known_rate=known_rate)
        fresh = item_profits(task, rule, u, v, known_rate=known_rate, copies=512, seed=7).sum(axis=1)
        rows = [tuple(round(float(value), 3) for value in values) for values in (u, v)]
        print(f'    "{name}": ({rows[0]}, {rows[1]}),')
        print(
            f"    # {spent} simulations; profit per day on fresh half-years {fresh.mean():.4f} "
            f"+- {fresh.std() / len(fresh) ** 0.5:.4f}; {time.perf_counter() - start:.0f} s",
            flush=True,
        )


if __name__ == "__main__":
    main()
