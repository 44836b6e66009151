"""From a log to live decisions: runs the commands as a person types them, and keeps what they print.

    python docs/make_live.py --logs FOLDER            # the pages' transcripts, from the public logs in FOLDER
    python docs/make_live.py --small --out /tmp/live  # made-up logs and budgets of seconds

Answer: docs/live/transcripts/*.txt, which docs/live/*.md include.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import json
import os
import re
import shlex
import socket
import subprocess
import sys
import tempfile
import textwrap
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from sb3_ecom.__main__ import main as command
from sb3_ecom.core.files import write_whole
from sb3_ecom.core.registry import spec
from sb3_ecom.envs.recommendation.calibration.fit import simulate_log

OUT = Path(__file__).parent / "live" / "transcripts"
DEPARTMENTS = ("trousers", "skirts", "blouses", "sale")
VISITORS = """\
from sb3_ecom.core.registry import spec
from sb3_ecom.live import Recommender
from sb3_ecom.live.rehearsal import rehearse

shop = Recommender.load("policy", log="decisions", explore="plackett-luce:0.5", seed=0)
visitors = spec("EcomRec-v0").make_task(preset="my_shop.toml")
served = rehearse(shop, visitors, {visits})
shop.close()
print("clicks a visit: %.2f +- %.2f" % served.per_visit())
"""
RECOMMENDER = """\
from sb3_ecom.live import Recommender

shop = Recommender.load("policy")
visit = shop.open(landing="{landing}", hour=14.5)
page = visit.recommend(exclude=["{excluded}"])
print(page)
visit.reward(page.event_id, clicked=page.items[0], bought=False)  # may come late
print(visit.recommend().items)
print(shop.recommend(clicks=["{landing}", page.items[0]], hour=14.5).items)  # nothing is kept
print(shop.recommend(clicks=["never-heard-of"], hour=14.5).fallback)
"""
CATALOGUE = """\
from sb3_ecom.core.registry import spec

items = spec("EcomRec-v0").make_task(preset="my_shop.toml").params.catalogue
table = [
    {{"item": item, "category": int(category), "price": float(price)}}
    for item, category, price in zip(items.item_ids, items.category, items.price)
]
table = table[1:] + [{{"item": "SKU-NEW", "category": 0, "price": 39.0}}]  # one left, one came
print(shop.update_catalogue(table, new_share=0.1))
"""
BIDDER = """\
from sb3_ecom.live import Bidder, TickReport

bidder = Bidder.load("policy")
print(bidder.open(budget={budget}, day="2026-11-27").bid().reason)  # how large is the campaign's market?
campaign = bidder.open(budget={budget}, day="2026-11-27", auctions_per_day=5_000_000)
print(campaign.bid())
report = TickReport(impressions=90_000, wins=20_000, spend={spend}, clicks=160, conversions=3)
print(campaign.bid(report))
print(campaign.bid())  # the DSP sent no report: the bid is held, and says so
"""
PLANNER = """\
from datetime import date, timedelta
from sb3_ecom.live import Planner

planner = Planner.load("policy")
today = date(2026, 11, 27)
stock = dict.fromkeys(planner.skus, 40)
stock[planner.skus[0]] = 0
on_order = [(planner.skus[1], 100, today + timedelta(days=2))]
sales = [(today - timedelta(days=ago), dict.fromkeys(planner.skus, 6)) for ago in range(60, 0, -1)]
orders = planner.orders(stock, on_order, sales, today=today)
print(orders, orders.reason)
print(planner.orders(stock, today=today).reason)
"""


class Transcript:
    """Commands typed in one folder and what they print, a file each.

    Args:
        name: of the log; begins the files' names.
        folder: to work in.
        out: for the files.
    """

    def __init__(self, name: str, folder: Path, out: Path) -> None:
        self._name, self._folder, self._out = name, folder, out
        self._scope: dict[str, Any] = {}

    def run(self, step: str, line: str) -> None:
        """Run a command of ours and keep what it prints.

        Args:
            step: names the file.
            line: command.

        Raises:
            RuntimeError: if the command fails.
        """
        words = shlex.split(line)[3:]
        print(f"{self._name}: {line}", file=sys.stderr, flush=True)
        with self._here() as printed:
            if code := command(words):
                raise RuntimeError(f"exit {code}: {line}\n{printed.getvalue()}")
        self._keep(step, f"$ {line}\n{_shortened(printed.getvalue())}")

    def exit_code(self, step: str, line: str) -> None:
        """Run a command that may answer no, and keep what it says of an error and its exit code too."""
        with self._here() as printed, contextlib.redirect_stderr(printed):
            code = command(shlex.split(line)[3:])
        said = textwrap.fill(printed.getvalue().strip(), 110) if code == 2 else printed.getvalue().rstrip()
        self._keep(step, f"$ {line}; echo exit $?\n{said}\nexit {code}")

    def script(self, step: str, code: str) -> None:
        """Run Python and keep code and output; names stay for the next script."""
        with self._here() as printed:
            exec(compile(code, step, "exec"), self._scope)
        text = "".join(f"    {line}\n" for line in printed.getvalue().splitlines())
        prompted = "".join(
            f"{'... ' if line[:1] in ' )]}' else '>>> '}{line}\n" if line else ">>>\n"
            for line in code.splitlines()
        )
        self._keep(step, f"{prompted}\n{text.rstrip()}")

    def show(self, step: str, path: str, lines: int = 4) -> None:
        """Keep the first lines of a file."""
        head = (self._folder / path).read_text(encoding="utf-8").splitlines()[:lines]
        self._keep(step, "\n".join((f"$ head -{lines} {path}", *head)))

    def keep_files(self, step: str, path: str) -> None:
        """Keep a folder's list of files."""
        names = sorted(each.name for each in (self._folder / path).iterdir())
        self._keep(step, f"$ ls {path}\n{'  '.join(names)}")

    def serve(self, step: str, options: str, requests: list[tuple[str, Any]]) -> None:
        """Serve, ask each request once, and keep the answers.

        Args:
            step: names the file.
            options: of the command.
            requests: path and body, None for GET; a function makes the body from the last answer.
        """
        port = _free_port()
        line = f"python -m sb3_ecom serve {options}"
        words = [sys.executable, *shlex.split(line)[1:], "--port", str(port)]
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
        said = [f"$ {line} &"]
        with subprocess.Popen(words, cwd=self._folder, env=environment, stderr=subprocess.DEVNULL) as server:
            try:
                _wait(port)
                answer: Any = None
                for path, body in requests:
                    body = body(answer) if callable(body) else body
                    text = _ask(port, path, body)
                    data = "" if body is None else f" --json '{json.dumps(body)}'"
                    said += [f"$ curl -s localhost:8000{path}{data}", text]
                    answer = None if path == "/metrics" else json.loads(text)
            finally:
                server.terminate()
        self._keep(step, "\n".join(said))

    @contextlib.contextmanager
    def _here(self) -> Iterator[io.StringIO]:
        os.environ["COLUMNS"] = "110"  # of the page; a terminal says its own width
        with contextlib.chdir(self._folder), contextlib.redirect_stdout(io.StringIO()) as printed:
            yield printed

    def _keep(self, step: str, text: str) -> None:
        text = "\n".join(line.rstrip() for line in text.strip().splitlines())
        write_whole(self._out / f"{self._name}_{step}.txt", f"{text}\n".encode())


def _shortened(text: str) -> str:
    """Return a command's output with the middle of a training's tables left out."""
    parts = re.split(r"(?m)^-{20,}\n", text)
    if len(parts) < 4:
        return text
    head, last, rest = "".join(parts[:1]).splitlines(), parts[-2], parts[-1]
    bar = "-" * max(map(len, last.splitlines()))
    return "\n".join([*head[:1], "[...]", bar, last.rstrip(), bar, rest])


def _free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


def _wait(port: int, seconds: float = 120.0) -> None:
    end = time.monotonic() + seconds
    while True:
        try:
            _ask(port, "/health", None)
            return
        except OSError:
            if time.monotonic() > end:
                raise
            time.sleep(0.2)


def _ask(port: int, path: str, body: Any) -> str:
    data = None if body is None else json.dumps(body).encode()
    headers = {"content-type": "application/json"}
    request = urllib.request.Request(f"http://127.0.0.1:{port}{path}", data, headers)
    with urllib.request.urlopen(request, timeout=60) as answer:
        text = answer.read().decode()
    if path == "/metrics":
        kept = [line for line in text.splitlines() if re.match(r"sb3_ecom_(requests|decisions)_total", line)]
        text = "\n".join([*kept, "[...]"])
    return text


def write_click_log(path: Path, logs: Path | None) -> None:
    """Write an e-shop's click log under its own column names: the real one, or one made up like it."""
    if logs is not None:
        table = pd.read_parquet(logs / "rec_eshop_clothing2008" / "eshop_clothing_2008.parquet")
        day = pd.to_datetime(table[["year", "month", "day"]])
        step, item = table["order"], table["page 2 (clothing model)"]
        visit, price = table["session ID"], table["price"]
        department_no = table["page 1 (main category)"] - 1
    else:
        params = spec("EcomRec-v0").make_task().params
        log, items = simulate_log(params, 3000, seed=1), params.catalogue
        visit = pd.Series(log.session)
        step, day = visit.groupby(visit).cumcount(), pd.Timestamp("2008-04-01")
        item, price = pd.Series(np.array(items.item_ids)[log.item]), pd.Series(items.price[log.item])
        department_no = pd.Series(items.category[log.item])
    columns = {
        "visit_no": "v" + visit.astype(str),
        "article": "SKU-" + item,
        "seen_at": day + pd.to_timedelta(step, unit="min") + pd.Timedelta(hours=14),
        "department": department_no.map(lambda number: DEPARTMENTS[number % len(DEPARTMENTS)]),
        "euro": price,
    }
    pd.DataFrame(columns).to_csv(path, index=False)


def write_prices(path: Path, logs: Path | None) -> None:
    """Write an ads account's hourly prices of 1000 impressions."""
    if logs is not None:
        table = pd.read_csv(logs / "ads_nab_adexchange" / "exchange-3_cpm.csv")
    else:
        hours = pd.date_range("2011-07-01", periods=24 * 20, freq="h")
        noise = np.random.default_rng(0).normal(size=len(hours))
        value = 0.4 * np.exp(0.2 * np.sin(hours.hour / 24 * 2 * np.pi) + 0.2 * noise)
        table = pd.DataFrame({"timestamp": hours, "value": value})
    table.columns = pd.Index(["hour_start", "usd_per_1000"])
    table.to_csv(path, index=False)


def write_sales(path: Path, logs: Path | None) -> None:
    """Write a shop's invoice lines under its own column names."""
    if logs is not None:
        table = pd.read_parquet(logs / "inv_online_retail_uk" / "online_retail.parquet")
        table = table[table["StockCode"].str.match(r"\d{5}")]
        names = {"StockCode": "article", "Quantity": "pieces", "InvoiceDate": "booked_at"}
        table = table.rename(columns={**names, "UnitPrice": "gbp", "CustomerID": "client"})
    else:
        draw = np.random.default_rng(0)
        days = pd.date_range("2010-12-01", periods=360)
        lines = [
            (f"8{item:04d}A", 1 + draw.poisson(2), day, 2.5 + item, int(draw.integers(10_000, 10_400)))
            for day in days
            for item in range(12)
            for _ in range(draw.poisson(2))
        ]
        table = pd.DataFrame(lines, columns=["article", "pieces", "booked_at", "gbp", "client"])
    table[["booked_at", "article", "pieces", "gbp", "client"]].to_csv(path, index=False)


def shop(keep: Transcript, folder: Path, logs: Path | None) -> None:
    """The eight commands on a click log."""
    write_click_log(folder / "clicks.csv", logs)
    visits, steps = (3000, 1_000_000) if logs else (200, 2_000)
    ours = "python -m sb3_ecom"
    few = "" if logs else " --sessions-simulated 500 --max-sessions 1500"
    quick = "" if logs else " -params n_envs:16 n_steps:16 batch_size:64"
    names = "--session visit_no --item article --time seen_at --category department --price euro"
    keep.show("log", "clicks.csv")
    line = f"{ours} calibrate recommendation clicks.csv {names} --keep-item-ids --out my_shop.toml"
    keep.run("calibrate", f"{line} --no-memory{few}")
    line = f"{ours} train --env EcomRec-v0 --preset my_shop.toml -n {steps} --seed 1"
    keep.run("train", f"{line} --eval-freq -1 --save-freq -1{quick}")
    run, episodes = "logs/ppo/EcomRec-v0_1", 1000 if logs else 50
    against = "--against session_profile related_items"
    compare = f"{ours} compare EcomRec-v0 --preset my_shop.toml --model {run} {against}"
    keep.run("compare", f"{compare} --episodes {episodes}")
    line = f"{ours} explain {run} --preset my_shop.toml --out why"
    keep.run("explain", line + ("" if logs else " --decisions 16 --states 500"))
    keep.keep_files("explain_files", "why")
    line = f"{ours} export {run} --preset my_shop.toml --out policy"
    keep.run("export", line + ("" if logs else " --checked 200 --episodes 20"))
    keep.keep_files("export_files", "policy")
    landing, excluded = _popular(folder / "clicks.csv")
    keep.script("recommender", RECOMMENDER.format(landing=landing, excluded=excluded))
    keep.script("catalogue", CATALOGUE.format())
    keep.serve(
        "serve",
        "policy --log decisions --explore plackett-luce:0.5",
        [
            ("/open", {"landing": landing, "hour": 14.5}),
            ("/recommend", lambda answer: {"visit": answer["visit"]}),
            ("/record", lambda answer: {"event_id": answer["event_id"], "clicked": answer["items"][1]}),
            ("/health", None),
            ("/metrics", None),
        ],
    )
    keep.script("visitors", VISITORS.format(visits=visits))
    judged = "decisions --model policy --explore plackett-luce:0.35"
    keep.run("judge", f"{ours} judge {judged}")
    keep.exit_code("gate", f"{ours} gate {judged} --min-ess 500")
    keep.run("refine", f"{ours} refine decisions --preset my_shop.toml --out my_shop_2.toml")


def ads(keep: Transcript, folder: Path, logs: Path | None) -> None:
    """An ads log: calibrate to serve."""
    write_prices(folder / "prices.csv", logs)
    ours, env = "python -m sb3_ecom", "EcomAds-v0"
    keep.show("log", "prices.csv")
    names = "--time hour_start --price usd_per_1000"
    keep.run("calibrate", f"{ours} calibrate advertising prices.csv {names} --out my_campaign.toml")
    line = f"{ours} train --env {env} --preset my_campaign.toml -n {400_000 if logs else 800} --seed 1"
    quick = "" if logs else " -params n_envs:4 batch_size:64"
    keep.run("train", f"{line} --eval-freq -1 --save-freq -1{quick}")
    run, episodes = f"logs/ppo/{env}_1", 500 if logs else 20
    line = f"{ours} compare {env} --preset my_campaign.toml --model {run} --against pid constant"
    keep.run("compare", f"{line} --episodes {episodes}")
    line = f"{ours} explain {run} --preset my_campaign.toml --out why"
    keep.run("explain", line + ("" if logs else " --decisions 16 --states 500"))
    line = f"{ours} export {run} --preset my_campaign.toml --out policy"
    keep.run("export", line + f" --episodes {episodes} --checked {2000 if logs else 100}")
    spend = "4.50"
    keep.script("bidder", BIDDER.format(budget="500.0", spend=spend))
    report = {"impressions": 90_000, "wins": 20_000, "spend": float(spend), "clicks": 160, "conversions": 3}
    day = {"budget": 500.0, "day": "2026-11-27", "auctions_per_day": 5_000_000}
    names_: list[str] = []

    def named(answer: Any) -> dict[str, Any]:
        names_.append(answer["campaign"])
        return {"campaign": names_[0]}

    requests = [
        ("/open", day),
        ("/bid", named),
        ("/bid", lambda _: {"campaign": names_[0], "report": report}),
    ]
    keep.serve("serve", "policy --log decisions", requests)
    keep.exit_code("judge", f"{ours} judge decisions --model policy")
    keep.exit_code("gate", f"{ours} gate decisions --model policy")


def sales(keep: Transcript, folder: Path, logs: Path | None) -> None:
    """A sales table: calibrate to serve."""
    write_sales(folder / "sales.csv", logs)
    ours, env = "python -m sb3_ecom", "EcomInventory-v0"
    keep.show("log", "sales.csv")
    names = "--date booked_at --sku article --quantity pieces --price gbp --customer client"
    line = (
        f"{ours} calibrate inventory sales.csv {names} --max-items 10 --keep-item-ids --out my_warehouse.toml"
    )
    keep.run("calibrate", line)
    line = f"{ours} train --env {env} --preset my_warehouse.toml -n {1_000_000 if logs else 2_000} --seed 1"
    plain = "[{'sb3_ecom.sb3.VecItemRows':{'rule':None}}]"  # tuning the rule takes minutes
    quick = "" if logs else f' -params n_envs:2 n_steps:16 batch_size:64 "vec_env_wrapper:{plain}"'
    keep.run("train", f"{line} --eval-freq -1 --save-freq -1{quick}")
    run, episodes = f"logs/ppo/{env}_1", 200 if logs else 10
    rules = (
        "forecast_refined newsvendor_s_S" if logs else "newsvendor_s_S"
    )  # the first: with the model's constants
    line = f"{ours} compare {env} --preset my_warehouse.toml --model {run} --against {rules}"
    keep.run("compare", f"{line} --episodes {episodes}")
    line = f"{ours} explain {run} --preset my_warehouse.toml --out why"
    keep.run("explain", line + ("" if logs else " --decisions 16 --states 500"))
    line = f"{ours} export {run} --preset my_warehouse.toml --out policy"
    keep.run("export", line + f" --episodes {episodes} --checked {2000 if logs else 100}")
    keep.script("planner", PLANNER)
    skus = keep._scope["planner"].skus
    body = {
        "stock": dict.fromkeys(skus, 40),
        "on_order": [[skus[0], 100, "2026-11-30"]],
        "today": "2026-11-27",
    }
    keep.serve("serve", "policy --log decisions", [("/orders", body)])
    keep.exit_code("judge", f"{ours} judge decisions --model policy")
    keep.exit_code("gate", f"{ours} gate decisions --model policy")


def _popular(path: Path) -> tuple[str, str]:
    counts = pd.read_csv(path)["article"].value_counts().index
    return str(counts[0]), str(counts[1])


PARTS = {"shop": shop, "ads": ads, "sales": sales}


def main() -> None:
    """Run the command."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("--logs", type=Path, help="folder of the public logs")
    what.add_argument("--small", action="store_true", help="made-up logs, budgets of seconds")
    parser.add_argument("--only", nargs="+", choices=PARTS, default=list(PARTS))
    parser.add_argument("--out", type=Path, default=OUT, help="(default %(default)s)")
    options = parser.parse_args()
    logs = None if options.logs is None else options.logs.resolve()
    out = options.out.resolve()
    out.mkdir(parents=True, exist_ok=True)
    for name in options.only:
        with tempfile.TemporaryDirectory() as temporary:
            PARTS[name](Transcript(name, Path(temporary), out), Path(temporary), logs)


if __name__ == "__main__":
    main()
