"""Recommender: a trained policy of a web shop decides live, on the shop's own item ids."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from sb3_ecom.core.registry import spec
from sb3_ecom.live.catalogue import CatalogueChange, LiveCatalogue, read_catalogue
from sb3_ecom.live.decision_log import DecisionLog, Reward
from sb3_ecom.live.exploration import Exploration, parse_exploration
from sb3_ecom.live.item_ids import ItemIds, own_ids
from sb3_ecom.live.page_maker import PageMaker, log_row, read_limits
from sb3_ecom.live.pages import LivePolicy, ScoredPolicy, rule_policy, session_task
from sb3_ecom.live.policy import DeployedPolicy
from sb3_ecom.live.visit import Slate, Visit
from sb3_ecom.live.visit_store import UnknownVisitError, VisitStore, open_store
from sb3_ecom.live.visits import (
    Record,
    VisitFolder,
    new_page,
    new_record,
    note_reward,
    read_hour,
    read_text,
)

__all__ = ["Recommender", "Slate", "Visit"]


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
        task = session_task(policy)
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
        names = own_ids(session_task(policy).params.catalogue.item_ids, item_ids, hash_key)
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
        record = new_record(visit or secrets.token_hex(8), read_text(landing, "landing"), read_hour(hour))
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
        texts = [read_text(text, "clicks") for text in clicks]
        landing, *later = texts or [None]
        record = new_record(secrets.token_hex(8), landing, read_hour(hour), tuple(map(str, later)))
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
            record = note_reward(self.store.get(visit), event_id, clicked, bought)
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
            said = {"policy": self.policy, "explore": str(self.explore)}
            self.log.append(log_row(record, event_id, made, limits, catalogue, **said))
        pairs = [pair for pair in zip(made.items, made.propensities, strict=True) if pair[0]]
        return Slate(
            event_id=event_id,
            items=tuple(item for item, _ in pairs),
            propensities=tuple(chance for _, chance in pairs),
            policy=self.policy,
            fallback=made.fallback,
        )
