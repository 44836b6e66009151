"""The live recommender decides as the environment does, and says what it can not do."""

import gymnasium as gym
import numpy as np
import pytest
import torch
from stable_baselines3 import PPO

from sb3_ecom.core.loop import StepLoop
from sb3_ecom.core.registry import spec
from sb3_ecom.live.decision_log import DecisionLog
from sb3_ecom.live.policy import DeployedPolicy
from sb3_ecom.live.recommender import Recommender
from sb3_ecom.logs.decisions import read_decisions
from sb3_ecom.sb3 import SlatePolicy
from sb3_ecom.sb3.export import export

POLICIES = {
    "EcomRec-v0": "MlpPolicy",
    "EcomRecSlate-v0": SlatePolicy,
    "EcomRecSingle-v0": "MlpPolicy",
}


@pytest.fixture(scope="module")
def exported(tmp_path_factory):
    """Return id -> (folder, model) of untrained models with weights large enough to tell states apart."""
    found = {}
    for env_id, policy in POLICIES.items():
        folder = tmp_path_factory.mktemp(env_id)
        model = PPO(policy, gym.make(env_id), n_steps=64, seed=0)
        with torch.no_grad():
            for weight in model.policy.action_net.parameters():
                weight.mul_(30.0)
        model.save(folder / "ppo.zip")
        export(folder / "ppo.zip", folder / "out", env_id, checked=256)
        found[env_id] = folder / "out", model
    return found


@pytest.fixture
def shop(exported):
    return Recommender.load(exported["EcomRec-v0"][0], seed=0)


@pytest.mark.parametrize("env_id", POLICIES)
def test_live_pages_are_those_of_the_environment(env_id, exported):
    folder, model = exported[env_id]
    shop = Recommender.load(folder)
    task, ids = shop.task, shop.ids.ids
    copies, events = 12, []
    open_session, note = task.tracker.open, task.tracker.note

    class Listening(type(task.tracker)):
        def open(self, event, tables):
            events.append(event)
            return open_session(event, tables)

        def note(self, tracked, decision, event, tables):
            events.append(event)
            return note(tracked, decision, event, tables)

    simulated = spec(env_id).make_task()
    simulated.tracker = Listening(**vars(task.tracker))
    loop = StepLoop(simulated, copies)
    observation = loop.reset(5)
    landing = events[0]
    visits = [
        shop.open(landing=ids[landing.item[row]], hour=float(landing.hour[row]) * 24) for row in range(copies)
    ]
    alive = np.ones(copies, dtype=bool)
    pages = 0
    for _ in range(40):
        events.clear()
        result = loop.step(model.predict(observation, deterministic=True)[0])
        event = events[0]
        for row in np.flatnonzero(alive):
            page = visits[row].recommend()
            expected = [ids[item] for item in result.step_info["slate"][row] if item >= 0]
            assert list(page.items) == expected
            assert page.propensities == (1.0,) * len(expected)
            item = result.step_info["clicked"][row]
            bought = bool(event.bought[row])
            visits[row].reward(page.event_id, ids[item] if item >= 0 else None, bought)
            pages += 1
        observation = result.observation
        alive[result.rows] = False
    assert pages > 3 * copies


def test_a_late_reward_counts_as_if_it_had_come_in_time(exported):
    early, late = (Recommender.load(exported["EcomRec-v0"][0]) for _ in range(2))
    visits = [shop.open(landing="A1", hour=9.0) for shop in (early, late)]
    first = [visit.recommend() for visit in visits]
    item = first[0].items[1]
    visits[0].reward(first[0].event_id, clicked=item)
    second = [visit.recommend() for visit in visits]
    visits[1].reward(first[1].event_id, clicked=item)  # after the page that followed
    assert item not in second[0].items
    third = [visit.recommend() for visit in visits]
    assert third[0].items == third[1].items
    assert item not in third[1].items


def test_the_stateless_form_shows_what_a_visit_shows(shop):
    page = shop.recommend(["A1", "A2", "nobody knows this"], hour=9.0)
    assert page.fallback is None
    assert not {"A1", "A2"} & set(page.items)
    shop.reward(page.event_id, clicked=page.items[0], bought=True)


def test_exclusions_and_candidates_are_kept(shop):
    visit = shop.open(landing="A1", hour=9.0)
    first = visit.recommend()
    second = visit.recommend(exclude=[*first.items, "gone from the shop"])
    assert not set(first.items) & set(second.items)
    assert len(second.items) == 5
    third = visit.recommend(candidates=["B1", "B2"])
    assert set(third.items) == {"B1", "B2"}
    assert visit.recommend(candidates=["A1"]).items == ()  # opened already


def test_an_unknown_landing_item_shows_popular_items_until_the_first_click(shop):
    visit = shop.open(landing="not in the log", hour=9.0)
    page = visit.recommend()
    assert page.fallback == "the landing item is unknown"
    popular = np.argsort(-shop.task.tables.public.log_popularity, kind="stable")[:5]
    assert page.items == tuple(shop.ids.ids[item] for item in popular)
    visit.reward(page.event_id, clicked=page.items[2])
    direct = shop.open(landing=page.items[2], hour=9.0)
    assert visit.recommend().items == direct.recommend().items


def test_beyond_the_trained_horizon_popular_items_are_shown(shop):
    visit = shop.open(landing="A1", hour=9.0)
    for _ in range(shop.task.horizon):
        assert visit.recommend().fallback is None
    assert "at most 100 pages" in visit.recommend().fallback


def test_wrong_calls_are_named(shop):
    visit = shop.open(landing="A1", hour=9.0, visit="v")
    page = visit.recommend()
    with pytest.raises(ValueError, match="hour must be in \\[0, 24\\) hours, got 24"):
        shop.open(landing="A1", hour=24)
    with pytest.raises(ValueError, match="visit 'v' is open already"):
        shop.open(landing="A1", hour=9.0, visit="v")
    with pytest.raises(ValueError, match="was not on the page"):
        visit.reward(page.event_id, clicked="A1")
    with pytest.raises(ValueError, match="is unknown, or its visit is over"):
        shop.reward("nothing:0:00", clicked=None)
    with pytest.raises(ValueError, match="bought needs the item clicked"):
        visit.reward(page.event_id, bought=True)
    visit.reward(page.event_id, clicked=page.items[0])
    with pytest.raises(ValueError, match="was rewarded already"):
        visit.reward(page.event_id)
    with pytest.raises(ValueError, match="candidate 'x' is not among the 217 items"):
        visit.recommend(candidates=["x"])
    with pytest.raises(ValueError, match="a list of ids, got the text"):
        visit.recommend(exclude="A1")
    visit.close()
    with pytest.raises(ValueError, match="visit 'v' is closed"):
        visit.recommend()


@pytest.mark.parametrize("explore", ["epsilon:0.3", "plackett-luce:0.5"])
def test_logged_propensities_are_the_shares_of_the_pages_shown(explore, exported, tmp_path):
    shop = Recommender.load(exported["EcomRec-v0"][0], explore=explore, log=tmp_path, seed=1)
    draws = 3000
    for _ in range(draws):
        shop.recommend(["A1"], hour=9.0)
    shop.close()
    pages = [visit.pages[0] for visit in read_decisions(tmp_path)]
    assert len(pages) == draws
    first = {page.items[0]: page.propensities[0] for page in pages}
    share = {item: sum(page.items[0] == item for page in pages) / draws for item in first}
    for item, chance in first.items():
        if chance * draws < 5:  # too rare for the normal approximation
            continue
        assert abs(share[item] - chance) < 4.5 * np.sqrt(chance * (1 - chance) / draws) + 1e-9
    assert max(first.values()) > 0.1


def test_shadow_serves_a_rule_and_logs_the_policy(exported, tmp_path):
    folder, _ = exported["EcomRec-v0"]
    shadow = Recommender.load(folder, shadow="related_items", log=tmp_path)
    page = shadow.recommend(["A1"], hour=9.0)
    shadow.close()
    policy = Recommender.load(folder)
    (visit,) = read_decisions(tmp_path)
    assert visit.pages[0].shadow == policy.recommend(["A1"], hour=9.0).items
    assert page.policy == "related_items"
    assert page.items != visit.pages[0].shadow


def test_the_catalogue_changes_while_a_visit_runs(shop):
    items = shop.task.params.catalogue
    visit = shop.open(landing="A1", hour=9.0)
    first = visit.recommend()
    gone = first.items[0]
    table = [
        {"item": name, "category": f"group {items.category[number]}", "price": items.price[number]}
        for number, name in enumerate(shop.ids.ids)
        if name != gone
    ]
    table.append({"item": "NEW-1", "category": "group 1", "price": 40.0})
    table.append({"item": "NEW-2", "category": "never seen", "price": 40.0})
    change = shop.update_catalogue(table, new_share=1.0)
    assert change.new == ("NEW-1", "NEW-2")
    assert change.gone == (gone,)
    assert change.unplaced == ("NEW-2",)
    second = visit.recommend()
    assert gone not in second.items
    assert second.items[-1].startswith("NEW-")
    assert second.propensities[-1] == pytest.approx(0.5)
    visit.reward(second.event_id, clicked=second.items[-1])
    third = visit.recommend()
    assert third.fallback is None
    assert {"NEW-1", "NEW-2"} - set(second.items) == {third.items[-1]}


def test_the_log_says_what_was_not_on_sale(exported, tmp_path):
    shop = Recommender.load(exported["EcomRec-v0"][0], log=tmp_path)
    shop.update_catalogue([{"item": name} for name in shop.ids.ids[:200]])
    shop.recommend(["A1"], hour=9.0, exclude=["A2"])
    shop.close()
    (visit,) = read_decisions(tmp_path)
    assert set(visit.pages[0].excluded) == {"A2", *shop.ids.ids[200:]}


def test_a_shadow_policy_that_is_not_a_number_stops_nothing(exported):
    shop = Recommender.load(exported["EcomRec-v0"][0], shadow="popularity")
    shop._maker._shadow = lambda observation: (np.full((1, 14), np.nan, dtype=np.float32), None)
    assert len(shop.recommend(["A1"], hour=9.0).items) == 5


def test_a_wrong_catalogue_changes_nothing(shop):
    before = shop.ids
    with pytest.raises(ValueError, match="price of row 0 must be > 0 currency units, got -1"):
        shop.update_catalogue([{"item": "N", "category": "c", "price": -1}])
    with pytest.raises(ValueError, match="category must be given for every new item, row 0 has none"):
        shop.update_catalogue([{"item": "N", "price": 1}])
    with pytest.raises(ValueError, match="'N' stands twice"):
        shop.update_catalogue([{"item": "N"}, {"item": "N"}])
    assert shop.ids is before


def test_hashed_ids_are_served_under_the_shops_own(exported, tmp_path):
    from sb3_ecom.core.tables.hashing import hash_ids
    from sb3_ecom.live.item_ids import unhash

    key = tmp_path / "log.hashkey"
    key.write_text("ab" * 32)
    own = ["SKU-1", "SKU-2", "SKU-3"]
    hashed = hash_ids(own, bytes.fromhex("ab" * 32))
    assert unhash(hashed, [*own, "SKU-9"], key) == tuple(own)
    with pytest.raises(ValueError, match="1 of 3 hashed items belong to none of the 2 ids"):
        unhash(hashed, own[:2], key)


def test_another_task_is_refused(exported):
    policy = DeployedPolicy(exported["EcomRec-v0"][0])
    policy.__dict__["task"] = spec("EcomLostSales-v0").make_task()
    with pytest.raises(ValueError, match="a Recommender needs a policy of EcomRec-v0"):
        Recommender(policy)


def test_a_policy_that_is_not_a_number_falls_back(shop):
    shop._maker.policy = lambda observation: (np.full((1, 14), np.nan, dtype=np.float32), None)
    page = shop.recommend(["A1"], hour=9.0)
    assert page.fallback == "the policy's scores are not finite"
    assert len(page.items) == 5


def test_decisions_of_threads_are_all_logged(exported, tmp_path):
    from concurrent.futures import ThreadPoolExecutor

    shop = Recommender(DeployedPolicy(exported["EcomRec-v0"][0]), log=DecisionLog(tmp_path))
    with ThreadPoolExecutor(4) as pool:
        pages = list(pool.map(lambda number: shop.recommend([f"A{1 + number % 9}"], hour=1.0), range(200)))
    shop.close()
    logged = {page.event_id for visit in read_decisions(tmp_path) for page in visit.pages}
    assert logged == {page.event_id for page in pages}
