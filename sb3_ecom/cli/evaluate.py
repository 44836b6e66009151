"""`evaluate`: return, standard error, score and metrics of baselines and of trained models."""

from __future__ import annotations

import argparse
import json
import shlex
import sys
from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import replace
from typing import Any

from rich import box
from rich.table import Table

from sb3_ecom.cli.arguments import (
    add_env_arguments,
    find_spec,
    import_packages,
    read_env_kwargs,
)
from sb3_ecom.cli.models import add_model_options, load_model, tuned_rules
from sb3_ecom.cli.score_scale import find_scale
from sb3_ecom.core.console import make_console, progress_of, say_next, working
from sb3_ecom.core.evaluate import Result, evaluate
from sb3_ecom.core.registry import Spec, make_task
from sb3_ecom.core.score_scale import Scale
from sb3_ecom.core.statistics import estimate_mean


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's options."""
    parser.epilog = (
        "example: sb3-ecom evaluate EcomRec-v0 --preset my_shop.toml --model logs/ppo/EcomRec-v0_1"
    )
    add_env_arguments(parser)
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument(
        "--baseline", metavar="NAME", help="a baseline, a clairvoyant, random, or all for every baseline"
    )
    what.add_argument(
        "--model",
        metavar="RUN",
        help="rl-zoo's run folder, a model's zip, or a folder that `sb3-ecom export` wrote",
    )
    add_model_options(parser)
    parser.add_argument(
        "--stochastic", action="store_true", help="draw the model's actions (default: its best ones)"
    )
    parser.add_argument(
        "--privileged",
        action="store_true",
        help="with --baseline all: policies that see hidden state too (default: none of them)",
    )
    add_episode_arguments(parser)
    parser.add_argument("--seed", type=int, default=0, help="of the customers (default %(default)s)")


def add_episode_arguments(parser: argparse.ArgumentParser) -> None:
    """Add how many episodes are played, and in which form the result is printed."""
    parser.add_argument("--episodes", type=int, default=1000, help="whole episodes (default %(default)s)")
    parser.add_argument("--json", action="store_true", help="print JSON (default: a table)")


def check_episodes(episodes: int, seeds: Sequence[int], option: str) -> None:
    """Refuse too few episodes and negative seeds.

    Raises:
        ValueError: names the option and the value.
    """
    if episodes < 2:
        raise ValueError(f"--episodes must be >= 2 to give a standard error, got {episodes}")
    if min(seeds) < 0:
        raise ValueError(f"{option} must be >= 0, got {min(seeds)}")


def run(options: argparse.Namespace) -> None:
    """Evaluate and print."""
    import_packages(options.gym_packages)
    kwargs = read_env_kwargs(options)
    entry = find_spec(options.env, kwargs)
    check_episodes(options.episodes, [options.seed], "--seed")
    policies = _policies(entry, options, kwargs)
    with working(f"playing {options.episodes} episodes") if len(policies) == 1 else nullcontext():
        results = _results(entry, policies, options, kwargs)
    optimum = computed_optimum(entry, kwargs)
    if optimum is not None:
        results = {name: replace(result, optimum=optimum) for name, result in results.items()}

    def play(policy: Any) -> Result:
        return evaluate(entry.id, policy, episodes=options.episodes, seed=options.seed, **kwargs)

    tuned = {} if options.model is None else tuned_rules(policies[str(options.model)], entry.id, kwargs)
    scale = find_scale(entry, kwargs, results, play, optimum, tuned)
    if options.json:
        rows = [_as_json(entry, name, result, scale, options) for name, result in results.items()]
        print(json.dumps(rows, indent=2))
        return
    console = make_console()
    console.print(_one(entry, results, scale) if len(results) == 1 else _many(results, scale))
    console.print(f"{entry.id}: {options.episodes} episodes, seed {options.seed}; {describe_scale(scale)}")
    say_next(*_next(entry, options))


def _next(entry: Spec, options: argparse.Namespace) -> list[str]:
    """Return what to type after a model, or baselines, were evaluated."""
    given = [] if options.preset is None else ["--preset", options.preset]
    if options.env_kwargs:
        given += ["--env-kwargs", *options.env_kwargs]
    if options.model is None:
        return [shlex.join(["train", "--env", entry.id, *given])]
    return [
        shlex.join(["compare", entry.id, *given, "--model", options.model]),
        shlex.join(["explain", options.model, *given, "--out", "why/"]),
    ]


def describe_scale(scale: Scale | str) -> str:
    """Return what the scores mean, or why there are none."""
    return f"no score: {scale}" if isinstance(scale, str) else str(scale)


def _results(
    entry: Spec, policies: dict[str, Any], options: argparse.Namespace, kwargs: dict[str, Any]
) -> dict[str, Result]:
    """Return name -> result; say which policies are left out, because they lack an extra.

    Raises:
        ValueError: if no policy at all could be evaluated.
    """
    results: dict[str, Result] = {}
    failed = _missing_extras(entry, policies, kwargs)
    for name, why in failed.items():
        print(f"sb3-ecom evaluate: {name} left out: {why}", file=sys.stderr)
    for name, policy in progress_of(policies.items(), "policies", len(policies)):
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
        return {str(options.model): load_model(options.model, entry.id, kwargs, options)}
    if options.baseline != "all":
        return {options.baseline: options.baseline}
    names = ["random", *entry.baselines, *(entry.privileged if options.privileged else ())]
    return {name: name for name in dict.fromkeys(names)}


def computed_optimum(entry: Spec, kwargs: dict[str, Any]) -> float | None:
    """Return the proven optimum of an average cost under `kwargs`, if it can be computed and is another."""
    proven = entry.criterion == "average" and entry.best_known_kind == "optimal"
    if not proven or not kwargs:
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


def _one(entry: Spec, results: dict[str, Result], scale: Scale | str) -> Table:
    (name, result), *_ = results.items()
    table = Table(box=None, show_header=False)
    table.add_row("policy", name)
    table.add_row("return", f"{result.mean:.4f}")
    table.add_row("standard error", f"{result.stderr:.4f}")
    low, high = _interval(result)
    table.add_row("95% interval", f"{low:.4f} to {high:.4f}")
    if isinstance(scale, Scale):
        table.add_row("score", f"{scale.score(result.mean):.4f}")
    for metric, value in {**_above_optimum(result), **result.metrics}.items():
        table.add_row(metric, f"{value:.4f}")
    if name in entry.privileged:
        table.add_row("note", "this policy sees hidden state")
    return table


def _many(results: dict[str, Result], scale: Scale | str) -> Table:
    first = next(iter(results.values()))
    metrics = [*_above_optimum(first), *first.metrics]
    scored = ["score"] if isinstance(scale, Scale) else []
    headings = [
        *("policy", "return", "low 95%", "high 95%", *scored),
        *(metric.replace("_", "\n") for metric in metrics),
    ]
    table = Table(*headings, box=box.SIMPLE)
    for name, result in sorted(results.items(), key=lambda pair: pair[1].mean):
        numbers = [result.mean, *_interval(result)]
        numbers += [scale.score(result.mean)] if isinstance(scale, Scale) else []
        numbers += [*_above_optimum(result).values(), *result.metrics.values()]
        table.add_row(name, *map(short, numbers))
    return table


def short(number: float) -> str:
    """Return a number for a table."""
    return f"{number:.4g}" if abs(number) >= 10 else f"{number:.3f}"


def _interval(result: Result) -> tuple[float, float]:
    found = estimate_mean(result.returns)
    return found.low, found.high


def _as_json(
    entry: Spec, name: str, result: Result, scale: Scale | str, options: argparse.Namespace
) -> dict[str, Any]:
    return {
        "env": entry.id,
        "policy": name,
        "episodes": options.episodes,
        "seed": options.seed,
        "return": result.mean,
        "stderr": result.stderr,
        "interval": _interval(result),
        "score": scale.score(result.mean) if isinstance(scale, Scale) else None,
        "scale": scale_as_json(scale),
        **_above_optimum(result),
        "metrics": result.metrics,
    }


def scale_as_json(scale: Scale | str) -> dict[str, Any]:
    """Return the ends of a scale, or why there is none."""
    return {"none": scale} if isinstance(scale, str) else scale._asdict()
