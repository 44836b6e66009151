"""`compare`: whether a model is better than baselines, rules of one's own or other models."""

from __future__ import annotations

import argparse
import json
import shlex
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from rich import box
from rich.table import Table

from sb3_ecom.cli.arguments import (
    add_env_arguments,
    find_spec,
    import_packages,
    read_env_kwargs,
)
from sb3_ecom.cli.evaluate import (
    add_episode_arguments,
    check_episodes,
    computed_optimum,
    describe_scale,
    scale_as_json,
    short,
)
from sb3_ecom.cli.models import add_model_options, load_model, tuned_rules
from sb3_ecom.cli.rules import find_rule
from sb3_ecom.cli.score_scale import find_scale
from sb3_ecom.core.arrays import Array
from sb3_ecom.core.console import make_console, progress_of, say_next
from sb3_ecom.core.evaluate import PolicyMaker, Result, evaluate
from sb3_ecom.core.registry import Spec
from sb3_ecom.core.score_scale import Scale
from sb3_ecom.core.statistics import Estimate, difference, estimate_mean


class Comparison(NamedTuple):
    """A policy that the model is compared with."""

    name: str
    value: Estimate  # its return
    gain: Estimate  # of the model over it, in the same episodes


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's options."""
    parser.epilog = (
        "example: sb3-ecom compare EcomRec-v0 --preset my_shop.toml --model logs/ppo/EcomRec-v0_1 "
        "--against session_profile related_items my_rule.py:policy"
    )
    add_env_arguments(parser)
    parser.add_argument(
        "--model",
        nargs="+",
        required=True,
        metavar="RUN",
        help="rl-zoo's run folder, a model's zip, or an exported folder; several are trainings of one "
        "algorithm by other seeds, and the intervals hold over trainings too (must be given)",
    )
    parser.add_argument(
        "--against",
        nargs="+",
        metavar="POLICY",
        help="baselines of the id, random, FILE.py:policy with policy(observation) -> action or "
        "make(task) -> policy, or another model (default: the id's best baseline)",
    )
    add_model_options(parser)
    add_episode_arguments(parser)
    parser.add_argument(
        "--seeds",
        nargs="+",
        type=int,
        default=[0],
        metavar="SEED",
        help="of the customers; each gives --episodes further episodes (default: 0)",
    )


def run(options: argparse.Namespace) -> None:
    """Compare and print."""
    import_packages(options.gym_packages)
    kwargs = read_env_kwargs(options)
    entry = find_spec(options.env, kwargs)
    check_episodes(options.episodes, options.seeds, "--seeds")
    if len(set(options.seeds)) < len(options.seeds):
        raise ValueError(f"--seeds must differ, got {' '.join(map(str, options.seeds))}")
    models = [load_model(path, entry.id, kwargs, options) for path in options.model]
    tuned = tuned_rules(models[0], entry.id, kwargs)
    others = {
        name: tuned.get(name) or _find_policy(entry, name, kwargs, options)
        for name in _against(entry, options)
    }

    def play(policy: Any) -> Result:
        return _play(entry, policy, options, kwargs)

    own = np.stack([play(model).returns for model in progress_of(models, "models", len(models))])
    results = {name: play(others[name]) for name in progress_of(others, "other policies", len(others))}
    found = [
        Comparison(name, estimate_mean(result.returns), difference(own, result.returns))
        for name, result in results.items()
    ]
    scale = find_scale(entry, kwargs, results, play, computed_optimum(entry, kwargs), tuned)
    if options.json:
        print(json.dumps(_as_json(entry, options, own, found, scale), indent=2))
        return
    console = make_console()
    console.print(_table(" ".join(options.model), estimate_mean(own), found, scale))
    for comparison in found:
        console.print(sentence(comparison, own, entry))
    count = options.episodes * len(options.seeds)
    console.print(f"{entry.id}: {count} common episodes; {describe_scale(scale)}")
    given = [] if options.preset is None else ["--preset", options.preset]
    say_next(shlex.join(["export", options.model[0], *given, "--out", "policy/"]))


def sentence(comparison: Comparison, own: Array, entry: Spec) -> str:
    """Say whether the model is better."""
    gain, name = comparison.gain, comparison.name
    per = "period" if entry.criterion == "average" else "episode"
    what = f"{gain.mean:+.4g} an {per}" if per == "episode" else f"{gain.mean:+.4g} a {per}"
    interval = f"95% interval {gain.low:+.4g} to {gain.high:+.4g}"
    over = f"paired, {own.shape[1]} episodes" + (f", {len(own)} trainings" if len(own) > 1 else "")
    if gain.low > 0:
        return f"The model is better than {name}: {what} ({interval}; {over})."
    if gain.high < 0:
        return f"The model is worse than {name}: {what} ({interval}; {over})."
    return f"No difference from {name} is shown: {what} ({interval}; {over})."


def _against(entry: Spec, options: argparse.Namespace) -> list[str]:
    if options.against is not None:
        return list(dict.fromkeys(options.against))
    if entry.best_baseline is None:
        raise ValueError(f"--against must name a policy: {entry.id} has no best baseline on record")
    return [entry.best_baseline.policy]


def _find_policy(entry: Spec, name: str, kwargs: dict[str, Any], options: argparse.Namespace) -> Any:
    """Return what `evaluate` takes for a policy to compare with.

    Raises:
        ValueError: if nothing has that name.
    """
    known = dict.fromkeys(["random", *entry.baselines, *entry.privileged])
    if name in known:
        return name
    rule = find_rule(name) if ":" in name else None
    if rule is not None and not isinstance(rule, str):
        return PolicyMaker(rule)
    if Path(name).exists() or Path(f"{name}.zip").exists():
        return load_model(name, entry.id, kwargs, options)
    raise ValueError(
        f"--against must name one of {', '.join(known)}, FILE.py:policy or a model's file, got {name!r}"
    )


def _play(entry: Spec, policy: Any, options: argparse.Namespace, kwargs: dict[str, Any]) -> Result:
    """Return the result over all seeds of the customers."""
    parts = [
        evaluate(entry.id, policy, episodes=options.episodes, seed=seed, **kwargs) for seed in options.seeds
    ]
    returns = np.concatenate([part.returns for part in parts])
    found = estimate_mean(returns)
    return Result(mean=found.mean, stderr=found.stderr, returns=returns, metrics={})


def _table(model: str, own: Estimate, found: list[Comparison], scale: Scale | str) -> Table:
    scored = ["score"] if isinstance(scale, Scale) else []
    table = Table("policy", "return", "low 95%", "high 95%", *scored, "model is better by", "low", "high")
    table.box = box.SIMPLE

    def row(name: str, value: Estimate, *gain: float) -> None:
        score = [short(scale.score(value.mean))] if isinstance(scale, Scale) else []
        numbers = map(short, (value.mean, value.low, value.high))
        table.add_row(name, *numbers, *score, *(f"{number:+.4g}" for number in gain))

    row(model, own)
    for name, value, gain in sorted(found, key=lambda each: -each.value.mean):
        row(name, value, gain.mean, gain.low, gain.high)
    return table


def _as_json(
    entry: Spec, options: argparse.Namespace, own: Array, found: list[Comparison], scale: Scale | str
) -> dict[str, Any]:
    def scored(value: Estimate) -> dict[str, Any]:
        score = scale.score(value.mean) if isinstance(scale, Scale) else None
        return {"return": value.mean, "stderr": value.stderr, "interval": value[2:], "score": score}

    return {
        "env": entry.id,
        "episodes": options.episodes,
        "seeds": options.seeds,
        "scale": scale_as_json(scale),
        "model": {"runs": options.model, **scored(estimate_mean(own))},
        "against": [
            {
                "policy": name,
                **scored(value),
                "difference": gain.mean,
                "difference_stderr": gain.stderr,
                "difference_interval": gain[2:],
                "better": bool(gain.low > 0),
            }
            for name, value, gain in found
        ],
    }
