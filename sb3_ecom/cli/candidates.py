"""The policy that `judge` and `gate` ask about: an exported folder, a model of SB3, or a rule."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import numpy as np

from sb3_ecom.cli.arguments import add_kwargs_arguments, import_packages, read_env_kwargs
from sb3_ecom.cli.export import guess_env_id
from sb3_ecom.cli.models import add_trust_option, warn_of_code
from sb3_ecom.cli.rules import find_rule
from sb3_ecom.core.registry import spec
from sb3_ecom.envs.recommendation.session.env import SessionTask
from sb3_ecom.live.exploration import parse_exploration
from sb3_ecom.live.judge import Candidate
from sb3_ecom.live.manifest import FILE
from sb3_ecom.live.pages import ScoredPolicy, rule_policy
from sb3_ecom.live.policy import DeployedPolicy
from sb3_ecom.logs.decisions import NOT_PAGES


def add_candidate_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options that name a candidate and how it would explore."""
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("--model", metavar="RUN", help="exported folder, rl-zoo's run folder or a model's zip")
    what.add_argument("--rule", metavar="NAME", help="a baseline of the id, or FILE.py:NAME of your own")
    parser.add_argument(
        "--env", metavar="ID", help="id of the model (default: as the run's name says, else EcomRec-v0)"
    )
    parser.add_argument(
        "--explore",
        default="none",
        metavar="KIND",
        help="of the judged policy: none, epsilon:E or plackett-luce:TEMPERATURE (default %(default)s)",
    )
    add_kwargs_arguments(parser)
    add_trust_option(parser)


def find_candidate(options: argparse.Namespace) -> Candidate:
    """Return the candidate that the options name.

    Raises:
        ValueError: if it can not be found, or is no policy of a session.
    """
    import_packages(options.gym_packages)
    explore = parse_exploration(options.explore)
    if options.model is not None and (Path(options.model) / FILE).is_file():
        deployed = DeployedPolicy(options.model)
        task = _session(deployed.task, deployed.manifest.env_id)
        return Candidate(deployed.manifest.policy, deployed.act_with_scores, task, explore)
    kwargs = read_env_kwargs(options)
    if options.rule is not None:
        env_id = options.env or "EcomRec-v0"
        task = _session(spec(env_id).make_task(**kwargs), env_id)
        policy = rule_policy(spec(env_id), task, find_rule(options.rule))
        return Candidate(options.rule, policy, task, explore)
    env_id = options.env or guess_env_id(Path(options.model))
    task = _session(spec(env_id).make_task(**kwargs), env_id)
    return Candidate(str(options.model), _saved(options.model, task, env_id, options.trust), task, explore)


def _session(task: Any, env_id: str) -> SessionTask:
    if not isinstance(task, SessionTask):
        kind = {"Bidder": "bids", "Planner": "orders"}.get(spec(env_id).live_form or "")
        why = f" decides {NOT_PAGES[kind]}" if kind else ""
        raise ValueError(f"the id must be one of a session, whose logs hold pages: {env_id}{why}")
    return task


def _saved(run: str, task: SessionTask, env_id: str, trust: bool) -> ScoredPolicy:
    """Return a model of SB3 as actions and scores."""
    import torch

    from sb3_ecom.sb3.onnx_graph import DeterministicPolicy
    from sb3_ecom.sb3.saved_model import SavedPolicy, load_policy

    warn_of_code()
    saved = load_policy(run, task, env_id=env_id, trust=trust)
    if not isinstance(saved, SavedPolicy):
        raise ValueError(f"{run} is a residual or item-row model: these are of no session")
    module = DeterministicPolicy(saved.model.policy, saved.normalize).eval()

    def policy(observation: Any) -> tuple[Any, Any]:
        with torch.no_grad():
            action, *scores = module(torch.as_tensor(np.asarray(observation)))
        return action.numpy(), scores[0].numpy() if scores else None

    return policy
