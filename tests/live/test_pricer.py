"""A pricer in the shop sets the prices that the policy set in the simulator, within floor and cap."""

import json

import numpy as np
import pytest
from stable_baselines3 import PPO

from sb3_ecom.core.loop import StepLoop
from sb3_ecom.core.registry import make_task
from sb3_ecom.live.pricer import Pricer
from sb3_ecom.logs.decisions import read_decisions
from sb3_ecom.sb3 import make_vec_env
from sb3_ecom.sb3.export import export
from sb3_ecom.sb3.saved_model import load_policy

ENV = "EcomPricing-v0"
STOCK = {"1": 40, "2": 35, "3": 30, "4": 20}


def trained(folder, **kwargs):
    size = {"log_std_init": 0.0, "net_arch": [8]}
    venv = make_vec_env(ENV, 4, seed=1, **kwargs)
    model = PPO("MlpPolicy", venv, n_steps=32, batch_size=64, learning_rate=0.05, policy_kwargs=size)
    model.learn(128)
    model.save(folder / "ppo.zip")
    export(folder / "ppo.zip", folder / "out", ENV, checked=100, **kwargs)
    return folder / "out"


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return trained(tmp_path_factory.mktemp("pricer"))


def test_a_season_in_the_shop_is_that_of_the_simulator(folder):
    task = make_task(ENV)
    policy = load_policy(folder.parent / "ppo.zip", task)
    loop = StepLoop(task, 1)
    observation = loop.reset(4)
    season = Pricer.load(folder, decimals=6).open(STOCK)
    sales = None
    for period in range(task.horizon):
        prices = season.prices(sales)
        assert prices.period == period
        result = loop.step(policy.predict(observation, deterministic=True)[0])
        observation = result.observation
        np.testing.assert_allclose(list(prices.values()), result.step_info["price"][0], rtol=1e-4)
        sales = {str(k + 1): float(units) for k, units in enumerate(result.step_info["sales"][0])}
        if result.rows.size:
            break
    if result.truncated[0]:
        with pytest.raises(ValueError, match="the season is over"):
            season.prices(sales)


def test_prices_are_rounded_within_their_bounds(folder):
    pricer = Pricer.load(folder, decimals=0)
    low, high = pricer.round(np.full((1, 4), 0.5)), pricer.round(np.full((1, 4), 2.5))
    np.testing.assert_array_equal(low, [[10, 15, 20, 30]])
    np.testing.assert_array_equal(high, [[50, 75, 100, 150]])
    assert all(price == round(price) for price in pricer.open(STOCK).prices().values())


def test_a_season_goes_on_from_its_record(folder):
    pricer = Pricer.load(folder)
    season = pricer.open(STOCK)
    season.prices()
    season.prices({"1": 3, "4": 1})
    again = Pricer.load(folder).restore(json.loads(json.dumps(season.to_record())))
    assert again.prices({"2": 2}) == season.prices({"2": 2})
    with pytest.raises(ValueError, match="record must be one of"):
        pricer.restore({"stock": STOCK})


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda pricer: pricer.open({"1": 3}), "3 are missing"),
        (lambda pricer: pricer.open({**STOCK, "9": 1}), "'9' is not among"),
        (lambda pricer: pricer.open({**STOCK, "1": -1}), "stock of '1' must be"),
        (lambda pricer: pricer.open(STOCK).prices({"1": 1}), "must be None for the first period"),
    ],
)
def test_what_can_not_be_right_is_named(folder, call, message):
    with pytest.raises(ValueError, match=message):
        call(Pricer.load(folder))


def test_more_sales_than_stock_need_the_units_left(folder):
    season = Pricer.load(folder).open({**STOCK, "1": 2})
    season.prices()
    with pytest.raises(ValueError, match="sales of '1' must be at most its stock of 2, got 5"):
        season.prices({"1": 5})
    assert season.prices({"1": 5}, stock={**STOCK, "1": 10}).period == 1


def test_a_stock_far_from_those_of_the_training_is_said(folder):
    assert Pricer.load(folder).open(STOCK).prices().reason is None
    many = {sku: 100 * units for sku, units in STOCK.items()}
    assert "trained on seasons that open with 125 units" in Pricer.load(folder).open(many).prices().reason


def test_ids_of_the_preset_are_the_skus(tmp_path):
    pricer = Pricer.load(trained(tmp_path, preset="orange_juice"))
    assert "brand1" in pricer.names.names
    prices = pricer.open(dict.fromkeys(pricer.names.names, 2000)).prices()
    assert set(prices) == set(pricer.names.names)


def test_a_season_over_http_is_the_pricers_own_and_stands_in_the_log(folder, tmp_path):
    testclient = pytest.importorskip("fastapi.testclient")
    from sb3_ecom.live.app import create_app
    from sb3_ecom.live.service import Service

    season = Pricer.load(folder).open(STOCK)
    expected = [season.prices(), season.prices({"1": 2, "3": 1})]
    service = Service(folder, log=tmp_path)
    with testclient.TestClient(create_app(service)) as client:
        name = client.post("/open", json={"stock": STOCK}).json()["season"]
        found = [
            client.post("/prices", json={"season": name, **more}).json()
            for more in ({}, {"sales": {"1": 2, "3": 1}})
        ]
        assert [each["prices"] for each in found] == [dict(each) for each in expected]
        assert [each["period"] for each in found] == [0, 1]
        wrong = client.post("/prices", json={"season": name, "sales": {"9": 1}})
        assert wrong.status_code == 422
        assert "'9' is not among" in wrong.json()["detail"]
        assert client.post("/prices", json={"season": "none"}).status_code == 404
    (visit,) = read_decisions(tmp_path)
    assert [page.decision["prices"] for page in visit.pages] == [dict(each) for each in expected]
