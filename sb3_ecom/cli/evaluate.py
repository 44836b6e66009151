"""`evaluate`: return, standard error, score and metrics of baselines and of trained models."""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import replace
from typing import Any

from rich import box
from rich.table import Table

from sb3_ecom.cli.arguments import (
    add_env_arguments,
    find_spec,
    import_packages,
    make_console,
    parse_env_kwargs,
)
from sb3_ecom.core.checks import check_at_least
from sb3_ecom.core.evaluate import Result, evaluate
from sb3_ecom.core.registry import Spec, make_task

_CODE = (
    "note: loading a model zip or vecnormalize.pkl runs the code in it; evaluate only files that you trust"
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's options."""
    add_env_arguments(parser)
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument(
        "--baseline", metavar="NAME", help="a baseline, a clairvoyant, random, or all for every baseline"
    )
    what.add_argument(
        "--model", metavar="ZIP", help="a model that SB3 or rl-zoo saved, or rl-zoo's run folder"
    )
    parser.add_argument("--algo", help="of the model; found from the file where it is absent")
    parser.add_argument("--vecnormalize", metavar="PKL", help="observation statistics; rl-zoo's are found")
    parser.add_argument(
        "--transfer",
        action="store_true",
        help="let a model act in another environment than it was trained in: other preset or parameters",
    )
    parser.add_argument(
        "--trust",
        action="store_true",
        help="load a model from outside the current folder: model zips and pickles run code when loaded",
    )
    parser.add_argument("--stochastic", action="store_true", help="draw the model's actions")
    parser.add_argument(
        "--privileged", action="store_true", help="with all: policies that see hidden state too"
    )
    parser.add_argument("--episodes", type=int, default=1000, help="whole episodes (default %(default)s)")
    parser.add_argument("--seed", type=int, default=0, help="of the customers (default %(default)s)")
    parser.add_argument("--json", action="store_true", help="print JSON")


def run(options: argparse.Namespace) -> None:
    """Evaluate and print."""
    import_packages(options.gym_packages)
    kwargs = parse_env_kwargs(options.env_kwargs)
    entry = find_spec(options.env, kwargs)
    check_at_least("--episodes", options.episodes, 2, "to give a standard error")
    check_at_least("--seed", options.seed, 0)
    results = _results(entry, options, kwargs)
    optimum = _computed_optimum(entry, kwargs)
    if optimum is not None:
        results = {name: replace(result, optimum=optimum) for name, result in results.items()}
    if options.json:
        print(
            json.dumps([_as_json(entry, name, result, options) for name, result in results.items()], indent=2)
        )
        return
    make_console().print(_one(entry, results) if len(results) == 1 else _many(results))
    make_console().print(
        f"{entry.id}: {options.episodes} episodes, seed {options.seed}; score 0 = random "
        f"({entry.random.value:.4g}), 1 = {entry.best_known_kind} ({entry.best_known.value:.4g})"
        f"{' of the default arguments' if kwargs else ''}"
        f"{'' if optimum is None else f'; optimum of these arguments: {optimum:.6g}'}"
    )


def _results(entry: Spec, options: argparse.Namespace, kwargs: dict[str, Any]) -> dict[str, Result]:
    """Return name -> result; say which policies are left out, because they lack an extra.

    Raises:
        ValueError: if no policy at all could be evaluated.
    """
    results: dict[str, Result] = {}
    policies = _policies(entry, options, kwargs)
    failed = _missing_extras(entry, policies, kwargs)
    for name, why in failed.items():
        print(f"sb3-ecom evaluate: {name} left out: {why}", file=sys.stderr)
    for name, policy in policies.items():
        if name in failed:
            continue
        try:
            results[name] = evaluate(
                entry.id,
                policy,
                episodes=options.episodes,
                seed=options.seed,
                deterministic=not options.stochastic,
                **kwargs,
            )
        except ImportError as error:
            failed[name] = str(error)
            print(f"sb3-ecom evaluate: {name} left out: {error}", file=sys.stderr)
    if not results:
        raise ValueError("; ".join(failed.values()))
    return results


def _missing_extras(entry: Spec, policies: dict[str, Any], kwargs: dict[str, Any]) -> dict[str, str]:
    """Return name -> what to install, for the baselines that say what they need and can not have it."""
    task = make_task(entry.id, **kwargs)
    found = {}
    for name in policies:
        check = getattr(entry.baselines.get(name), "check_extras", None)
        if check is not None:
            try:
                check(task)
            except ImportError as error:
                found[name] = str(error)
    return found


def _policies(entry: Spec, options: argparse.Namespace, kwargs: dict[str, Any]) -> dict[str, Any]:
    """Return name -> what `evaluate` takes as a policy."""
    if options.model is not None:
        from sb3_ecom.sb3.saved_model import load_policy

        print(_CODE, file=sys.stderr)
        model = load_policy(
            options.model,
            make_task(entry.id, **kwargs),
            options.algo,
            options.vecnormalize,
            entry.id,
            transfer=options.transfer,
            trust=options.trust,
        )
        return {str(options.model): model}
    if options.baseline != "all":
        return {options.baseline: options.baseline}
    names = ["random", *entry.baselines, *(entry.privileged if options.privileged else ())]
    return {name: name for name in names}


def _computed_optimum(entry: Spec, kwargs: dict[str, Any]) -> float | None:
    """Return the proven optimum of an average cost under `kwargs`, if it can be computed and is another."""
    proven = entry.criterion == "average" and entry.best_known_kind == "optimal"
    if not proven or not kwargs or "reward_weights" in kwargs:  # optima are of the unweighted costs
        return None
    try:
        oracle = entry.oracle(**kwargs)
    except ValueError:  # too many states: results stand without it
        return None
    return oracle.value if oracle.kind == "optimal" else None


def _above_optimum(result: Result) -> dict[str, float]:
    """Return by how many percent the cost lies above a proven optimum, and the 95% half-width."""
    if result.optimum is None or not result.optimum < 0:
        return {}
    percent, half_width = result.above_optimum()
    return {"cost_above_optimum_percent": percent, "plus_or_minus": half_width}


def _one(entry: Spec, results: dict[str, Result]) -> Table:
    (name, result), *_ = results.items()
    table = Table(box=None, show_header=False)
    table.add_row("policy", name)
    table.add_row("return", f"{result.mean:.4f}")
    table.add_row("standard error", f"{result.stderr:.4f}")
    table.add_row("score", f"{result.score:.4f}")
    for metric, value in {**_above_optimum(result), **result.metrics}.items():
        table.add_row(metric, f"{value:.4f}")
    if name in entry.privileged:
        table.add_row("note", "this policy sees hidden state")
    return table


def _many(results: dict[str, Result]) -> Table:
    first = next(iter(results.values()))
    metrics = [*_above_optimum(first), *first.metrics]
    headings = ["policy", "return", "s.e.", "score", *(metric.replace("_", "\n") for metric in metrics)]
    table = Table(*headings, box=box.SIMPLE)
    for name, result in sorted(results.items(), key=lambda pair: pair[1].mean):
        numbers = [result.mean, result.stderr, result.score]
        numbers += [*_above_optimum(result).values(), *result.metrics.values()]
        table.add_row(
            name, *(f"{number:.4g}" if abs(number) >= 10 else f"{number:.3f}" for number in numbers)
        )
    return table


def _as_json(entry: Spec, name: str, result: Result, options: argparse.Namespace) -> dict[str, Any]:
    return {
        "env": entry.id,
        "policy": name,
        "episodes": options.episodes,
        "seed": options.seed,
        "return": result.mean,
        "stderr": result.stderr,
        "score": result.score,
        **_above_optimum(result),
        "metrics": result.metrics,
    }
