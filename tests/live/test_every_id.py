"""A policy of each id is exported and decides live, or one line says why it does not."""

import contextlib
import io

import numpy as np
import pytest
from stable_baselines3 import PPO

from sb3_ecom.__main__ import main
from sb3_ecom.core.registry import Spec, spec, specs
from sb3_ecom.live import Bidder, Planner, Pricer, Recommender
from sb3_ecom.live.forms import ids_of, why_not
from sb3_ecom.live.policy import DeployedPolicy
from sb3_ecom.live.service import Service
from sb3_ecom.sb3 import make_vec_env

FORMS = {"Recommender": Recommender, "Bidder": Bidder, "Planner": Planner, "Pricer": Pricer}
IDS = sorted(env_id for env_id in specs() if not env_id.startswith("EcomToy"))  # of other tests


@pytest.fixture(scope="module", params=IDS)
def exported(request, tmp_path_factory):
    """Return an id, the folder of its exported policy and what `export` said."""
    env_id, folder = request.param, tmp_path_factory.mktemp("policy")
    venv = make_vec_env(env_id, 1, seed=1)
    small = {"net_arch": [8]}
    PPO("MlpPolicy", venv, n_steps=8, batch_size=8, policy_kwargs=small, seed=0).save(folder / "ppo.zip")
    said = io.StringIO()
    with pytest.MonkeyPatch.context() as patch, contextlib.redirect_stdout(said):
        patch.chdir(folder)
        line = f"export ppo.zip --env {env_id} --out policy --checked 20 --episodes 0"
        assert main(line.split()) in (0, None)
    return env_id, folder / "policy", said.getvalue().splitlines()[-1]


def test_each_ids_policy_exports_and_acts(exported):
    env_id, folder, _ = exported
    policy, venv = DeployedPolicy(folder), make_vec_env(env_id, 2, seed=2)
    action = policy.act(np.asarray(venv.reset()))
    assert np.asarray(action).shape == (2, *venv.action_space.shape)


def test_each_ids_policy_decides_live_or_one_line_says_why_not(exported):
    pytest.importorskip("fastapi")
    env_id, folder, _ = exported
    own = spec(env_id).live_form
    for name, form in FORMS.items():
        if name == own:
            form.load(folder)
            continue
        with pytest.raises(ValueError, match=f"a {name} needs a policy of ") as caught:
            form.load(folder)
        told = str(caught.value)
        assert "\n" not in told
        assert (f"load it as a {own}" if own else spec(env_id).why_not_live) in told
    if own is None:
        with pytest.raises(ValueError, match=spec(env_id).why_not_live):
            Service(folder)
    else:
        Service(folder).close()


def test_export_says_what_can_be_done_with_the_folder(exported):
    env_id, _, said = exported
    if spec(env_id).live_form is not None:
        assert said == "next: python -m sb3_ecom serve policy --log decisions/"
    else:
        assert said.startswith(f"{why_not(env_id)}; ")


def test_each_spec_names_a_live_form_or_why_there_is_none():
    for env_id in IDS:
        entry = spec(env_id)
        stated = entry.why_not_live != Spec.__dataclass_fields__["why_not_live"].default
        assert (entry.live_form is not None) != stated, env_id
    assert sorted(each for name in FORMS for each in ids_of(name)) == [
        env_id for env_id in IDS if why_not(env_id) is None
    ]
