"""Bids and orders over HTTP, with every decision in the log."""

from datetime import date, timedelta

import pytest

from sb3_ecom.live.app import create_app
from sb3_ecom.live.bidder import Bidder
from sb3_ecom.live.planner import Planner
from sb3_ecom.live.service import Service
from sb3_ecom.live.tick_report import TickReport
from sb3_ecom.logs.decisions import read_decisions
from sb3_ecom.sb3.export import export
from tests.live.models import save_bidder, save_planner

testclient = pytest.importorskip("fastapi.testclient")


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    root = tmp_path_factory.mktemp("desks")
    export(save_bidder(root / "ads"), root / "bidder", "EcomAds-v0", checked=100)
    run = save_planner(root / "stock", rule=None, num_items=2)
    export(run, root / "planner", "EcomInventory-v0", checked=100, num_items=2)
    return root


def test_a_day_of_bids_over_http_is_the_bidders_own(folders, tmp_path):
    report = {"impressions": 300.0, "wins": 90.0, "spend": 0.02, "clicks": 2.0, "conversions": 1.0}
    day = Bidder.load(folders / "bidder").open(budget=3.0)
    expected = [day.bid(), day.bid(TickReport(**report))]
    service = Service(folders / "bidder", log=tmp_path)
    with testclient.TestClient(create_app(service)) as client:
        campaign = client.post("/open", json={"budget": 3.0}).json()["campaign"]
        first = client.post("/bid", json={"campaign": campaign}).json()
        second = client.post("/bid", json={"campaign": campaign, "report": report}).json()
        assert [first, second] == [vars(bid) for bid in expected]
        wrong = client.post("/bid", json={"campaign": campaign, "report": {**report, "wins": 301}})
        assert wrong.status_code == 422
        assert "wins must be <= 300 (impressions), got 301" in wrong.json()["detail"]
        assert client.post("/bid", json={"campaign": "none"}).status_code == 404
        assert client.post("/recommend", json={"clicks": []}).status_code == 404
    (visit,) = read_decisions(tmp_path)
    assert [page.decision["multiplier"] for page in visit.pages] == [bid.multiplier for bid in expected]


def test_orders_over_http_are_the_planners_own(folders, tmp_path):
    planner = Planner.load(folders / "planner")
    today = date(2026, 3, 10)
    sales = [
        [(today - timedelta(days=back)).isoformat(), {planner.skus[0]: 3}, []] for back in range(20, 0, -1)
    ]
    stock = dict.fromkeys(planner.skus, 4)
    expected = planner.orders(stock, [], sales, today=today)
    service = Service(folders / "planner", log=tmp_path)
    with testclient.TestClient(create_app(service)) as client:
        body = {"stock": stock, "sales": sales, "today": today.isoformat()}
        assert client.post("/orders", json=body).json() == {
            "orders": dict(expected),
            "policy": expected.policy,
            "reason": expected.reason,
        }
        wrong = client.post("/orders", json={**body, "stock": {**stock, planner.skus[0]: -1}})
        assert wrong.status_code == 422
        assert "-1" in wrong.json()["detail"]
        assert client.get("/health").json()["policy"] == expected.policy
    (visit,) = read_decisions(tmp_path)
    assert visit.pages[0].decision["orders"] == dict(expected)


def test_an_option_of_another_form_is_refused(folders):
    with pytest.raises(ValueError, match="a bidder takes no explore"):
        Service(folders / "bidder", explore="epsilon:0.1")
