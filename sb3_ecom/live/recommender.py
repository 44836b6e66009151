"""Recommender: a trained policy of a web shop decides live, on the shop's own item ids."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from sb3_ecom.core.checks import check_number
from sb3_ecom.core.registry import spec
from sb3_ecom.envs.recommendation.session.env import SessionTask
from sb3_ecom.envs.recommendation.session.tracker import SessionTracker
from sb3_ecom.live.catalogue import CatalogueChange, LiveCatalogue, read_catalogue
from sb3_ecom.live.decision_log import Decision, DecisionLog, Reward
from sb3_ecom.live.exploration import Exploration, parse_exploration
from sb3_ecom.live.forms import refusal
from sb3_ecom.live.item_ids import ItemIds, unhash
from sb3_ecom.live.page_maker import PageMaker, read_limits, restrictions
from sb3_ecom.live.pages import LivePolicy, ScoredPolicy, rule_policy
from sb3_ecom.live.policy import DeployedPolicy
from sb3_ecom.live.visit_store import UnknownVisitError, VisitStore, open_store
from sb3_ecom.live.visits import Record, VisitFolder, new_page, new_record


@dataclass(frozen=True, kw_only=True)
class Slate:
    """A page to show.

    Attributes:
        event_id: names the page when its reward comes.
        items: at most K item ids, best first; fewer where nothing else may be shown.
        propensities: chance of each item, given those above it.
        policy: name and version of what decided.
        fallback: why the most popular items were shown in place of the policy's, or None.
    """

    event_id: str
    items: tuple[str, ...]
    propensities: tuple[float, ...]
    policy: str
    fallback: str | None = None


class Recommender:
    """Serves pages of a trained session policy; safe to use from several threads.

    Args:
        policy: an exported folder (`DeployedPolicy`), or a rule (`RulePolicy`).
        item_ids: the shop's item ids in the order of the preset; by default the preset's own.
        explore: "none", "epsilon:E" or "plackett-luce:TEMPERATURE".
        log: decision log; None writes none.
        store: of running visits.
        shadow: a rule that serves while the policy's pages are only logged: a baseline's name or the user's
            own `make(task) -> policy(observation)`.
        seed: of the draws; None is of the operating system.

    Raises:
        ValueError: if the policy is of another task than the sessions of EcomRec-v0 and its kin.
    """

    def __init__(
        self,
        policy: LivePolicy,
        *,
        item_ids: Sequence[str] | None = None,
        explore: str = "none",
        log: DecisionLog | None = None,
        store: VisitStore | None = None,
        shadow: str | Callable[[Any], Any] | None = None,
        seed: int | None = None,
    ) -> None:
        task = _session_task(policy)
        ids = tuple(item_ids) if item_ids is not None else task.params.catalogue.item_ids
        if len(ids) != task.params.catalogue.size:
            raise ValueError(f"item_ids must hold {task.params.catalogue.size} ids, got {len(ids)}")
        self.served, self.task = policy, task
        self.explore: Exploration = parse_exploration(explore)
        self.log, self.store = log, store if store is not None else open_store("memory", 1800.0)
        self._trained_ids = ItemIds(ids)
        serving: ScoredPolicy = policy.act_with_scores
        asked: ScoredPolicy | None = None
        self.policy = policy.name
        if shadow is not None:
            asked, serving = serving, rule_policy(spec(policy.env_id), task, shadow)
            self.policy = shadow if isinstance(shadow, str) else getattr(shadow, "__name__", "rule")
        self._maker = PageMaker(task, serving, asked, self.explore, np.random.default_rng(seed))
        self._use(LiveCatalogue(task, self._trained_ids))

    @classmethod
    def load(
        cls,
        folder: str | Path,
        *,
        log: str | Path | None = None,
        state: str = "memory",
        time_to_live: float = 1800.0,
        item_ids: Iterable[str] | None = None,
        hash_key: str | Path | None = None,
        decisions: DecisionLog | None = None,
        store: VisitStore | None = None,
        **options: Any,
    ) -> Recommender:
        """Load an exported folder.

        Args:
            folder: that `sb3_ecom export` wrote.
            log: folder of the decision log.
            state: where visits are kept: "memory" or a "redis://" address.
            time_to_live: seconds that a visit is kept after its last page.
            item_ids: all item ids of the shop, where the preset holds hashes.
            hash_key: file with the key of those hashes.
            decisions: an open decision log, in place of `log`.
            store: of visits, in place of `state`.
            **options: explore, shadow, seed: as for the class.

        Raises:
            ValueError: if the folder is no export, or a hash belongs to none of the ids.
        """
        policy = DeployedPolicy(folder)
        names: Sequence[str] | None = None
        if hash_key is not None:
            if item_ids is None:
                raise ValueError("hash_key needs item_ids, the shop's own ids")
            hashed = _session_task(policy).params.catalogue.item_ids
            names = unhash(hashed, item_ids, Path(hash_key))
        elif item_ids is not None:
            raise ValueError("item_ids needs hash_key, the key file that calibrate wrote beside the log")
        if decisions is None and log is not None:
            decisions = DecisionLog(log)
        if store is None:
            store = open_store(state, time_to_live)
        return cls(policy, item_ids=names, log=decisions, store=store, **options)

    @property
    def ids(self) -> ItemIds:
        """Ids of all items, new ones included."""
        return self._catalogue.ids

    def open(self, landing: str | None = None, hour: float | None = None, visit: str | None = None) -> Visit:
        """Begin a visit.

        Args:
            landing: item on which the visitor landed; None or an unknown one: popular items are shown until
                the first click.
            hour: local time of day in [0, 24); None is now.
            visit: name of the visit; made up where it is None.

        Raises:
            ValueError: on an hour out of bounds or a visit that is open already.
        """
        record = new_record(visit or secrets.token_hex(8), _text(landing, "landing"), _hour(hour))
        if ":" in record["visit"]:
            raise ValueError(f"visit must hold no colon, got {record['visit']!r}")
        with self.store.lock(record["visit"]):
            if self.store.get(record["visit"]) is not None:
                raise ValueError(f"visit {record['visit']!r} is open already")
            self.store.put(record["visit"], record)
        return Visit(self, record["visit"])

    def visit(self, visit: str) -> Visit:
        """Return a visit that was opened before.

        Raises:
            ValueError: if it is unknown or its time is over.
        """
        self._get(visit)
        return Visit(self, visit)

    def recommend(
        self,
        clicks: Sequence[str] = (),
        *,
        hour: float | None = None,
        candidates: Iterable[str] | None = None,
        exclude: Iterable[str] = (),
    ) -> Slate:
        """Return a page for a visitor whose clicks the caller remembers.

        Args:
            clicks: items in the order in which they were clicked, the landing item first; unknown ones are
                skipped.
            hour: local time of day in [0, 24); None is now.
            candidates: the only items that may be shown; None: all on sale.
            exclude: items that may not be shown, such as those out of stock.

        Raises:
            ValueError: on an hour out of bounds or an unknown candidate.
        """
        texts = [_text(text, "clicks") for text in clicks]
        landing, *later = texts or [None]
        record = new_record(secrets.token_hex(8), landing, _hour(hour), tuple(map(str, later)))
        return self._page(record, candidates, exclude)

    def reward(self, event_id: str, clicked: str | None = None, bought: bool = False) -> None:
        """Note what became of a page; may come late, once for each page.

        Args:
            event_id: of the slate.
            clicked: item clicked, None where none was.
            bought: whether it was bought.

        Raises:
            ValueError: on an unknown or repeated event, or an item that was not on the page.
        """
        visit = str(event_id).partition(":")[0]
        with self.store.lock(visit):
            record = self.store.get(visit)
            pages = [] if record is None else record["pages"]
            page = next((each for each in pages if each["event_id"] == event_id), None)
            if record is None or page is None:
                raise UnknownVisitError(f"event {event_id!r} is unknown, or its visit is over")
            if page["rewarded"]:
                raise ValueError(f"event {event_id!r} was rewarded already")
            if clicked is not None and (clicked not in page["items"] or not clicked):
                raise ValueError(f"clicked item {clicked!r} was not on the page of event {event_id!r}")
            if bought and clicked is None:
                raise ValueError("bought needs the item clicked")
            page.update(clicked=clicked, bought=bool(bought), rewarded=True)
            if self.log is not None:
                note = Reward(event_id=event_id, time=time.time(), clicked=clicked, bought=bool(bought))
                self.log.append(note)
            self.store.put(visit, record)

    def update_catalogue(self, table: Any, *, new_share: float = 0.05) -> CatalogueChange:
        """Take over the items on sale: others are shown no more, new ones are shown from now on.

        Args:
            table: see `catalogue.read_catalogue`.
            new_share: chance that the last slot of a page shows a new item drawn at random.

        Raises:
            ValueError: naming row and column, on a missing or wrong cell; nothing changes then.
        """
        catalogue, change = read_catalogue(self.task, self._trained_ids, table, new_share)
        self._use(catalogue)
        return change

    def close(self) -> None:
        """Flush the decision log."""
        if self.log is not None:
            self.log.close()

    def _use(self, catalogue: LiveCatalogue) -> None:
        # One assignment: a page that is being made keeps the catalogue that it began with.
        self._shop = (catalogue, VisitFolder(self.task, catalogue))

    @property
    def _catalogue(self) -> LiveCatalogue:
        return self._shop[0]

    def _get(self, visit: str) -> Record:
        record = self.store.get(visit)
        if record is None:
            raise UnknownVisitError(f"visit {visit!r} is unknown, or its time is over")
        return record

    def _close(self, visit: str) -> None:
        with self.store.lock(visit):
            record = self._get(visit)
            record["closed"] = True
            self.store.put(visit, record)

    def _visit_page(self, visit: str, candidates: Iterable[str] | None, exclude: Iterable[str]) -> Slate:
        with self.store.lock(visit):
            record = self._get(visit)
            if record["closed"]:
                raise ValueError(f"visit {visit!r} is closed")
            return self._page(record, candidates, exclude)

    def _page(self, record: Record, candidates: Iterable[str] | None, exclude: Iterable[str]) -> Slate:
        catalogue, folder = self._shop
        limits = read_limits(candidates, exclude)
        number = len(record["pages"])
        made = self._maker.make(record, folder.fold(record), catalogue, limits)
        event_id = f"{record['visit']}:{number}:{secrets.token_hex(4)}"
        record["pages"].append(new_page(event_id, made.items))
        # Kept before it is logged: a page that was never answered would count as one without a click.
        self.store.put(record["visit"], record)
        if self.log is not None:
            context = {key: record[key] for key in ("landing", "hour", "clicks")}
            decision = Decision(
                event_id=event_id,
                visit=record["visit"],
                time=time.time(),
                number=number,
                policy=self.policy,
                explore=str(self.explore),
                context=context,
                features=made.features,
                items=tuple(made.items),
                propensities=tuple(made.propensities),
                excluded=restrictions(limits, catalogue),
                candidates=limits.candidates,
                fallback=made.fallback,
                shadow=made.shadow,
            )
            self.log.append(decision)
        pairs = [pair for pair in zip(made.items, made.propensities, strict=True) if pair[0]]
        return Slate(
            event_id=event_id,
            items=tuple(item for item, _ in pairs),
            propensities=tuple(chance for _, chance in pairs),
            policy=self.policy,
            fallback=made.fallback,
        )


@dataclass(frozen=True)
class Visit:
    """One visitor's visit.

    Attributes:
        shop: that serves it.
        name: of the visit.
    """

    shop: Recommender
    name: str

    def recommend(self, *, candidates: Iterable[str] | None = None, exclude: Iterable[str] = ()) -> Slate:
        """Return the next page; earlier pages without a reward count as pages without a click.

        Args:
            candidates: the only items that may be shown; None: all on sale.
            exclude: items that may not be shown, such as those out of stock.

        Raises:
            ValueError: if the visit is closed or over, or a candidate is unknown.
        """
        return self.shop._visit_page(self.name, candidates, exclude)

    def reward(self, event_id: str, clicked: str | None = None, bought: bool = False) -> None:
        """Note what became of a page of this visit; see `Recommender.reward`."""
        if str(event_id).partition(":")[0] != self.name:
            raise ValueError(f"event {event_id!r} is of another visit than {self.name!r}")
        self.shop.reward(event_id, clicked, bought)

    def close(self) -> None:
        """End the visit: no further page; rewards may still come."""
        self.shop._close(self.name)


def _session_task(policy: LivePolicy) -> SessionTask:
    task = policy.task
    if not isinstance(task, SessionTask) or type(task.tracker) is not SessionTracker:
        raise refusal("Recommender", policy.env_id)
    return task


def _hour(hour: float | None) -> float:
    if hour is None:
        now = time.localtime()
        return now.tm_hour + now.tm_min / 60
    check_number("hour", hour, low=0, below=24, unit="hours")
    return float(hour)


def _text(text: str | None, what: str) -> str | None:
    if text is not None and not isinstance(text, str):
        raise ValueError(f"{what} must be item ids as text, got {text!r}")
    return text
