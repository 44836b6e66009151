"""A planner in the shop orders as the policy did in the simulator, and says what it had to assume."""

import json
from datetime import date, timedelta

import numpy as np
import pytest
from stable_baselines3 import PPO

from sb3_ecom.core.loop import StepLoop
from sb3_ecom.core.registry import make_task
from sb3_ecom.core.tables.hashing import hash_ids
from sb3_ecom.envs.inventory.shop.presets import load_preset
from sb3_ecom.live.day_sales import calendar_day
from sb3_ecom.live.planner import DaySales, Planner
from sb3_ecom.sb3 import make_vec_env
from sb3_ecom.sb3.export import export
from sb3_ecom.sb3.saved_model import load_policy
from tests.live.models import save_planner

SHOP = "EcomInventory-v0"
OPTIONS = {"promotions_a_year": 6.0, "dispatch_days": [0, 2, 4], "substitution": 0.3, "truck_cost": 0.1}
KINDS = {
    "rule": {},
    "plain": {"rule": None, "num_items": 4},
    "quantity": {"rule": None, "num_items": 3, "action": "quantity"},
    "options": {"rule": None, "num_items": 3, **OPTIONS},
}
SKUS = ("MUG", "CANDLE", "CARD")
KEY = bytes(range(32))


@pytest.fixture(scope="module", params=KINDS)
def trained(request, tmp_path_factory):
    """Return task, SB3 policy and exported planner."""
    folder = tmp_path_factory.mktemp("planner")
    kwargs = dict(KINDS[request.param])
    run = save_planner(folder, **kwargs)
    kwargs.pop("rule", None)
    export(run, folder / "out", SHOP, checked=300, **kwargs)
    task = make_task(SHOP, **kwargs)
    return task, load_policy(run, task), Planner.load(folder / "out")


def write_shop(path, ids):
    """Write a preset of three items; return its path."""
    content = "\n".join(
        [
            *(["[items]", f"ids = {json.dumps(list(ids))}"] if ids else []),
            "[demand]",
            "mean = [20.0, 8.0, 2.0]",
            "shape = [1.0, 0.6, 0.4]",
            "price = [2.5, 4.0, 1.2]",
            f"weekday = {[1.0] * 7}",
            f"season = {[0.0] * 4}",
            "persistence = 0.95",
            "drift_sd = 0.3",
        ]
    )
    path.write_text(content)
    return str(path)


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    """Return the exported folders of one shop under three kinds of ids."""
    place, found, run = tmp_path_factory.mktemp("shop"), {}, None
    (place / "key").write_text(KEY.hex() + "\n")
    for kind, ids in (("plain", SKUS), ("hashed", hash_ids(SKUS, KEY)), ("none", ())):
        preset = write_shop(place / f"{kind}.toml", ids)
        run = run or save_planner(place, rule=None, preset=preset)  # ids are no part of the environment
        export(run, place / kind / "out", SHOP, checked=100, preset=preset)
        found[kind] = place / kind / "out"
    return place, found


@pytest.fixture(scope="module")
def planner(folders):
    return Planner.load(folders[1]["plain"])


def some_date(weekday, day):
    """Return a date of this weekday and day of a year of 365 days, followed by another such year."""
    return next(
        found
        for year in range(2021, 2100)
        for found in [date(year, 1, 1) + timedelta(days=int(day))]
        if found.weekday() == weekday and year % 4 in (1, 2)
    )


def stock_by_sku(units, names):
    return {name: int(count) for name, count in zip(names, units, strict=True)}


def morning_of(tracked, names, today, promotions):
    """Return what a shop would say of a tracked state this morning."""
    lanes = np.argwhere(tracked.pipeline[0] > 0)
    on_order = [
        (names[item], int(tracked.pipeline[0, item, ahead]), today + timedelta(days=int(ahead)))
        for item, ahead in lanes
    ]
    if tracked.promotion_day is not None:
        for item, since in enumerate(tracked.promotion_day[0]):
            start = today - timedelta(days=int(since))
            if since > -50 and (names[item], start) not in promotions:
                promotions.append((names[item], start))
    return {"stock": stock_by_sku(tracked.on_hand[0], names), "on_order": on_order, "promotions": promotions}


def test_a_simulated_half_year_is_ordered_for_as_in_the_simulator(trained):
    task, policy, live = trained
    loop, names = StepLoop(task, 1, keep_last_frame=True), live.skus
    observation = loop.reset(4)
    tracked = loop.state.tracked
    today, sales, promotions = some_date(tracked.weekday[0], tracked.day[0]), [], []
    ledger = live.open()
    for _ in range(70):
        seen = morning_of(tracked, names, today, promotions)
        orders = live.orders(sales=sales, today=today, **seen)
        assert orders == ledger.orders(today=today, **seen)
        action = policy.predict(observation, deterministic=True)[0]
        observation = loop.step(action).observation
        state, outcome = loop.last_frame
        assert list(orders.values()) == outcome.order[0].tolist()
        empty = [name for name, out in zip(names, outcome.stock_out[0], strict=True) if out]
        sales.append(DaySales(day=today, sold=stock_by_sku(outcome.sales[0], names), empty=empty))
        ledger = live.restore(json.loads(json.dumps(ledger.to_record())))
        ledger.add(sales[-1])
        tracked, today = state.tracked, today + timedelta(days=1)
    assert sum(orders.values()) >= 0
    assert orders.reason is None or "no orders leave" in orders.reason


SINGLE = {
    "lost sales": ("EcomLostSales-v0", {}),
    "lost sales, due tomorrow": ("EcomLostSales-v0", {"lead_time": 1}),
    "lost sales, delivered at once": ("EcomLostSales-v0", {"lead_time": 0}),
    "setup cost, backlog": ("EcomSetupCost-v0", {"fixed_cost": 9.0}),
    "setup cost, lost sales": ("EcomSetupCost-v0", {"lead_time": 5, "unmet": "lost"}),
}


@pytest.mark.parametrize("kind", SINGLE)
def test_a_single_item_is_ordered_from_the_shops_own_books_as_in_the_simulator(kind, tmp_path):
    """The books know the stock of last evening and when each order is due, nothing of the tracker."""
    env_id, kwargs = SINGLE[kind]
    model = PPO("MlpPolicy", make_vec_env(env_id, 2, **kwargs), n_steps=64, batch_size=64, seed=0)
    model.learn(256).save(tmp_path / "ppo.zip")
    export(tmp_path / "ppo.zip", tmp_path / "out", env_id, checked=200, **kwargs)
    live, task = Planner.load(tmp_path / "out", skus=["MUG"]), make_task(env_id, **kwargs)
    loop, today = StepLoop(task, 1, keep_last_frame=True), date(2026, 11, 27)
    observation = loop.reset(3)
    start, placed = loop.state.tracked, []
    stock = int(start.on_hand[0])
    due = [(today + timedelta(days=k + 1), int(units)) for k, units in enumerate(start.pipeline[0])]
    for _ in range(60):
        on_order = [("MUG", units, day) for day, units in due if day >= today]
        orders = live.orders({"MUG": stock}, on_order, today=today)
        action = model.predict(observation, deterministic=True)[0]
        observation = loop.step(action).observation
        outcome = loop.last_frame[1]
        assert orders == {"MUG": int(outcome.order[0])}
        assert orders.reason is None
        placed.append(orders["MUG"])
        due.append((today + timedelta(days=task.params.lead_time), orders["MUG"]))
        waiting = int(outcome.unmet[0]) if task.params.unmet == "backlog" else 0
        stock = int(outcome.left[0]) - waiting
        today += timedelta(days=1)
    assert len(set(placed)) > 1


def test_hashed_and_unnamed_items_get_the_same_orders(folders):
    place, found = folders
    today, units = date(2026, 11, 27), (31, 2, 5)
    plain = Planner.load(found["plain"])
    hashed = Planner.load(found["hashed"], hash_key=place / "key")
    numbered, named = Planner.load(found["none"]), Planner.load(found["none"], skus=SKUS)
    assert (plain.skus, numbered.skus) == (SKUS, ("1", "2", "3"))
    stock = dict(zip(SKUS, units, strict=True))
    expected = plain.orders(stock, today=today)
    assert set(expected) == set(SKUS)
    assert hashed.orders(stock, today=today) == named.orders(stock, today=today) == expected
    by_number = numbered.orders(dict(zip("123", units, strict=True)), today=today)
    assert list(by_number.values()) == list(expected.values())
    with pytest.raises(ValueError, match="are hashed, give hash_key"):
        Planner.load(found["hashed"]).orders(stock, today=today)
    with pytest.raises(ValueError, match="'MUGS' is not among the 3 items of this policy, hashed"):
        hashed.orders({**stock, "MUGS": 1}, today=today)
    with pytest.raises(ValueError, match="hash_key must be the file"):
        Planner.load(found["hashed"], hash_key=place / "no_key")
    with pytest.raises(ValueError, match="skus must hold 3 SKUs, got 1"):
        Planner.load(found["none"], skus=["MUG"])


TODAY = date(2026, 11, 27)
STOCK = dict.fromkeys(SKUS, 10)
YESTERDAY = (TODAY - timedelta(days=1), {"MUG": 18}, [])


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"stock": {"MUG": 1, "CUP": 2}}, "sku 'CUP' is not among the 3 items of this policy$"),
        ({"stock": {"MUG": 1}}, "stock must name all 3 items, 2 are missing: CANDLE, CARD"),
        ({"stock": {**STOCK, "MUG": -1}}, "stock of 'MUG' must be a whole number >= 0 of units, got -1"),
        ({"stock": {**STOCK, "MUG": 1.5}}, "stock of 'MUG' must be a whole number .*, got 1.5"),
        ({"stock": {**STOCK, "MUG": float("nan")}}, "stock of 'MUG' must be .*, got nan"),
        (
            {"on_order": [("MUG", 5, "2026-11-26")]},
            r"due in \[2026-11-27, 2026-12-10\], got .* the past: name the day on which",
        ),
        ({"on_order": [("MUG", 5, date(2026, 12, 11))]}, "beyond the longest lead time, 14 days"),
        ({"on_order": [("MUG", -5, TODAY)]}, "units on order of 'MUG' must be a whole number >= 0"),
        ({"on_order": [("CUP", 5, TODAY)]}, "sku 'CUP' is not among"),
        ({"on_order": [("MUG", 5)]}, r"an open order must be \(sku, units, due date\), got \('MUG', 5\)"),
        ({"on_order": [("MUG", 5, "soon")]}, "due date of 'MUG' must be a date"),
        ({"sales": [("2026-11-25", {})]}, "sales must end on 2026-11-26.*got 2026-11-25"),
        ({"sales": [("2026-11-24", {}), YESTERDAY]}, "2026-11-24 is followed by 2026-11-26"),
        ({"sales": [YESTERDAY, ("2026-11-25", {})]}, "2026-11-26 is followed by 2026-11-25"),
        (
            {"sales": [(*YESTERDAY[:1], {"MUG": -2})]},
            "sales on 2026-11-26 of 'MUG' must be a whole number",
        ),
        ({"sales": [(*YESTERDAY[:1], {"CUP": 2})]}, "sku 'CUP' is not among"),
        ({"sales": [(*YESTERDAY[:2], ["CUP"])]}, "sku 'CUP' is not among"),
        ({"sales": [{"MUG": 1}]}, "a day of sales must be"),
        ({"promotions": [("MUG", TODAY)]}, "trained without promotions, got 1"),
        ({"today": 5}, "today must be a date"),
    ],
)
def test_what_can_not_be_right_is_refused(planner, changes, message):
    with pytest.raises(ValueError, match=message):
        planner.orders(**{"stock": STOCK, "today": TODAY, **changes})


def test_the_reason_says_what_was_assumed(planner):
    assert planner.orders(STOCK, today=TODAY).reason == "no sales history: the rates are the preset's means"
    reason = planner.orders(STOCK, sales=[YESTERDAY[:2]], today=TODAY).reason
    unknown = "stock-outs of past days are not known: counted as none"
    assert reason == f"1 days of sales, the policy looks at 14; {unknown}"
    assert (
        "(10020) are far beyond the storage (420)"
        in planner.orders({**STOCK, "MUG": 10_000}, today=TODAY).reason
    )


def test_a_leap_day_is_counted_as_the_day_before():
    days = [date(2028, 2, 28), date(2028, 2, 29), date(2028, 3, 1), date(2028, 12, 31), date(2027, 12, 31)]
    assert [calendar_day(day)[1] for day in days] == [58, 58, 59, 364, 364]


def test_a_ledger_checks_and_forgets_old_days(planner):
    first = TODAY - timedelta(days=450)
    ledger = planner.open([(first + timedelta(days=k), {"MUG": k % 30}, []) for k in range(450)])
    assert len(ledger.to_record()["sales"]) == 400
    with pytest.raises(ValueError, match="is followed by"):
        ledger.add(YESTERDAY)
    with pytest.raises(ValueError, match="sku 'CUP'"):
        ledger.add((TODAY, {"CUP": 1}))
    with pytest.raises(ValueError, match=r"record must be one of Ledger\.to_record"):
        planner.restore({"visit": 1})
    assert len(ledger.to_record()["sales"]) == 400
    kept = ledger.to_record()["sales"]
    full = planner.orders(STOCK, sales=kept, today=TODAY)
    assert full == ledger.orders(STOCK, today=TODAY)


def test_the_shipped_preset_numbers_its_items(tmp_path):
    export(save_planner(tmp_path, rule=None, num_items=4), tmp_path / "out", SHOP, checked=50, num_items=4)
    live = Planner.load(tmp_path / "out")
    demand = load_preset("online_retail_uk")
    means = [demand.mean[int(sku) - 1] for sku in live.skus]
    assert tuple(means) == live.task.params.demand.mean
