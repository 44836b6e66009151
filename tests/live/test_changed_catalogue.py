"""A policy goes on in a shop in which a tenth of the items is new and a tenth is gone."""

from dataclasses import fields, replace

import numpy as np
import pytest
from stable_baselines3 import PPO

from sb3_ecom.core.registry import spec
from sb3_ecom.core.statistics import estimate_mean
from sb3_ecom.envs.recommendation.session.presets import format_preset
from sb3_ecom.envs.recommendation.session.visitor import outside_weight
from sb3_ecom.live.pages import RulePolicy
from sb3_ecom.live.recommender import Recommender
from sb3_ecom.live.rehearsal import rehearse
from sb3_ecom.sb3 import LastItemEmbeddingPolicy, VecExpectedAdvantage, make_vec_env
from sb3_ecom.sb3.export import export

ENV, VISITS = "EcomRec-v0", 1500


def shop_without(items):
    """Return the parameters of the e-shop without some of its items."""
    params = spec(ENV).make_task().params
    kept = np.setdiff1d(np.arange(params.catalogue.size), items)
    parts = {}
    for field in fields(params.catalogue):
        value = getattr(params.catalogue, field.name)
        parts[field.name] = tuple(value[item] for item in kept) if field.name == "item_ids" else value[kept]
    for name in ("entry_share", "popularity"):
        parts[name] = parts[name] / parts[name].sum()
    outside = outside_weight(params)
    changed = replace(params, catalogue=type(params.catalogue)(**parts), outside_scale=1.0)
    return replace(changed, outside_scale=outside / outside_weight(changed))


@pytest.mark.slow
def test_with_a_tenth_new_and_a_tenth_gone_it_earns_at_least_what_session_profile_earns_there(tmp_path):
    size = spec(ENV).make_task().params.catalogue.size
    order = np.random.default_rng(0).permutation(size)
    new, gone = order[: size // 10], order[size // 10 : 2 * (size // 10)]
    for name, without in (("trained", new), ("now", gone)):
        text = format_preset(shop_without(without), {"source": "test"}, {})
        (tmp_path / f"{name}.toml").write_text(text)
    trained, now = tmp_path / "trained.toml", tmp_path / "now.toml"
    venv = VecExpectedAdvantage(make_vec_env(ENV, 256, seed=0, preset=str(trained)), discount=1.0)
    model = PPO(
        LastItemEmbeddingPolicy,
        venv,
        n_steps=32,
        batch_size=2048,
        n_epochs=3,
        learning_rate=lambda left: 3e-3 * left,
        gamma=1.0,
        gae_lambda=0.0,
        policy_kwargs={"log_std_init": -1.0},
        seed=0,
    )
    model.learn(1_500_000)
    model.save(tmp_path / "ppo.zip")
    export(tmp_path / "ppo.zip", tmp_path / "policy", ENV, checked=2000, preset=str(trained))
    world = spec(ENV).make_task(preset=str(now))
    shop = Recommender.load(tmp_path / "policy", seed=0)
    items = world.params.catalogue
    change = shop.update_catalogue(
        [
            {"item": name, "category": str(items.category[place]), "price": items.price[place]}
            for place, name in enumerate(items.item_ids)
        ]
    )
    assert len(change.new) == len(change.gone) == size // 10
    ours = rehearse(shop, world, VISITS, seed=1).clicks
    rule = Recommender(RulePolicy(ENV, "session_profile", preset=str(now)))
    theirs = rehearse(rule, world, VISITS, seed=1).clicks
    paired = estimate_mean(ours - theirs)
    print(f"policy {ours.mean():.3f}, session_profile {theirs.mean():.3f}, difference {paired}")
    assert paired.mean > 0, f"{ours.mean():.3f} against {theirs.mean():.3f}: {paired}"
