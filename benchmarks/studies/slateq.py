"""What does SlateQ earn on EcomRecEvolution-v0, beside its published return?

    python benchmarks/studies/slateq.py --n-steps 1 --no-null-item

Ie et al. 2019 print 174.6 for their best SlateQ; `--n-steps 1` bootstraps each step, as theirs does.
`--no-null-item` values pages without a pick at 0, as RecSim's agent does.

Answer: benchmarks/results/slateq.csv, one row a run.
"""

from __future__ import annotations

import argparse
import time

from records import RESULTS, print_rows, read_rows, write_rows

import sb3_ecom
from sb3_ecom.sb3 import SlateQ, make_vec_env

ID = "EcomRecEvolution-v0"
COLUMNS = ("n_steps", "null_item", "steps", "gamma", "seed", "return", "stderr", "score", "cpu_s")


def main() -> None:
    """Train one seed and print what it earns."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--steps", type=int, default=200_000)
    parser.add_argument("--n-steps", type=int, default=20)
    parser.add_argument("--gamma", type=float, default=0.99)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--no-null-item", action="store_true")
    args = parser.parse_args()
    env = make_vec_env(ID, n_envs=64, seed=args.seed)
    kwargs = {"null_item": not args.no_null_item}
    model = SlateQ(
        "MlpPolicy",
        env,
        gamma=args.gamma,
        gradient_steps=2,
        n_steps=args.n_steps,
        seed=args.seed,
        policy_kwargs=kwargs,
    )
    start = time.process_time()
    model.learn(args.steps)
    result = sb3_ecom.evaluate(ID, model, episodes=1024, seed=11)
    settings = (args.n_steps, not args.no_null_item, args.steps, args.gamma, args.seed)
    numbers = (f"{result.mean:.2f}", f"{result.stderr:.2f}", f"{result.score:.3f}")
    row = dict(zip(COLUMNS, (*settings, *numbers, round(time.process_time() - start)), strict=True))
    write_rows(RESULTS / "slateq.csv", COLUMNS, [*read_rows(RESULTS / "slateq.csv"), row])
    print_rows(COLUMNS, [row])


if __name__ == "__main__":
    main()
