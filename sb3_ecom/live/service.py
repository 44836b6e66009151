"""A live policy as a service: what serves now, reloads that drop no request, the log's flushing, counts."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

from sb3_ecom.envs.advertising.auto_bidding.env import AutoTask
from sb3_ecom.envs.advertising.pacing.env import PacingTask
from sb3_ecom.envs.inventory.shop.env import ShopTask
from sb3_ecom.envs.inventory.single_item.env import SingleItemTask
from sb3_ecom.envs.pricing.season.env import SeasonTask
from sb3_ecom.envs.recommendation.session.env import SessionTask
from sb3_ecom.live.bidder import Bidder
from sb3_ecom.live.catalogue import CatalogueChange
from sb3_ecom.live.decision_log import DecisionLog
from sb3_ecom.live.desks import BidDesk, OrderDesk, PriceDesk
from sb3_ecom.live.forms import why_not
from sb3_ecom.live.planner import Planner
from sb3_ecom.live.policy import DeployedPolicy
from sb3_ecom.live.pricer import Pricer
from sb3_ecom.live.recommender import Recommender
from sb3_ecom.live.visit_store import VisitStore, open_store

Form = Recommender | BidDesk | OrderDesk | PriceDesk
_LOG = logging.getLogger(__name__)


class Service:
    """The policy that serves now, what it shares with the one that comes after it, and its counts.

    Args:
        folder: exported policy.
        log: folder of the decision log, or None.
        state: where visits are kept: "memory" or a "redis://" address.
        time_to_live: seconds that a visit is kept after its last page.
        **options: of `Recommender`: explore, shadow, seed, item_ids, hash_key.

    Raises:
        ValueError: if an extra is missing, or the folder is no export, or an option is not of its kind.
    """

    def __init__(
        self,
        folder: str | Path,
        *,
        log: str | Path | None = None,
        state: str = "memory",
        time_to_live: float = 1800.0,
        **options: Any,
    ) -> None:
        try:
            import fastapi  # noqa: F401
            import prometheus_client as prometheus
        except ImportError as error:
            raise ValueError("serving needs FastAPI: pip install 'sb3-ecom[live,serve]'") from error
        self.folder, self._options = Path(folder), options
        self.blocking = state != "memory"  # then a call may wait for the network
        self._store: VisitStore = open_store(state, time_to_live)
        self._log = None if log is None else DecisionLog(log)
        self._catalogue: tuple[list[dict[str, Any]], float] | None = None  # items on sale, as last told
        self.form = self._load(self.folder)
        self.registry = prometheus.CollectorRegistry()
        self.seconds = prometheus.Histogram(
            "sb3_ecom_request_seconds",
            "Time that a request took",
            ["path"],
            buckets=(0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 1.0),
            registry=self.registry,
        )

        def counter(name: str, text: str, *labels: str) -> Any:
            return prometheus.Counter(f"sb3_ecom_{name}", text, labels, registry=self.registry)

        self.requests = counter("requests", "Requests", "path", "status")
        self.decisions = counter("decisions", "Pages, bids, orders or prices decided", "policy", "by")
        self.rewards = counter("rewards", "Rewards noted", "kind")
        self.log_errors = counter("log_errors", "Journals not turned into parquet")

    def reload(self, folder: str | Path | None = None) -> str:
        """Serve another policy from the next request on; those under way end with the present one.

        Running visits, the items on sale, the decision log and the counts go on.

        Args:
            folder: exported policy beside the present one; None reads the present folder again.

        Raises:
            ValueError: if the folder lies elsewhere or is no exported policy: the present one goes on.
        """
        target = self.folder if folder is None else Path(folder)
        if target.absolute().parent.resolve() != self.folder.absolute().parent.resolve():
            raise ValueError(
                f"a policy is reloaded from {self.folder.absolute().parent} alone, got {target.absolute()}"
            )
        form = self._load(target)
        if type(form) is not type(self.form):
            raise ValueError(f"{target} holds a policy of another kind than {self.folder}")
        if isinstance(form, Recommender) and self._catalogue is not None:
            items, share = self._catalogue  # else a policy that comes later would show what has left
            form.update_catalogue(items, new_share=share)
        self.form, self.folder = form, target
        _LOG.info("now serving %s", self.policy)
        return self.policy

    def update_catalogue(self, items: list[dict[str, Any]], new_share: float) -> CatalogueChange:
        """Take over the items on sale, for policies loaded later too; see `Recommender.update_catalogue`."""
        change = self.shop.update_catalogue(items, new_share=new_share)
        self._catalogue = items, new_share
        return change

    def flush_late(self) -> None:
        """Turn the decision log's journal into parquet where it is old enough."""
        if self._log is not None:
            try:
                self._log.flush_late()
            except OSError:
                _LOG.exception("the decision log can not be turned into parquet; its journal stays")
                self.log_errors.inc()

    def close(self) -> None:
        """Flush the decision log."""
        if self._log is not None:
            self._log.close()

    @property
    def policy(self) -> str:
        """Name and version of what serves."""
        if isinstance(self.form, Recommender):
            return self.form.policy
        if isinstance(self.form, BidDesk):
            return self.form.bidder.policy
        return self.form.pricer.policy if isinstance(self.form, PriceDesk) else self.form.planner.policy

    @property
    def shop(self) -> Recommender:
        """The recommender that serves."""
        assert isinstance(self.form, Recommender)  # the app adds its routes for one alone
        return self.form

    def health(self) -> dict[str, Any]:
        """Return what serves and how many visits, campaigns or seasons are kept.

        Raises:
            StoreUnavailableError: if they can not be reached.
        """
        found = {"status": "ok", "policy": self.policy, "kept": len(self._store)}
        if isinstance(self.form, Recommender):
            served = self.form.served
            found |= {"exported": served.name, "explore": str(self.form.explore), "items": len(self.form.ids)}
        return found

    def _load(self, folder: Path) -> Form:
        """Return the live form of an exported folder.

        Raises:
            ValueError: if it has none, or an option does not belong to it.
        """
        policy = DeployedPolicy(folder)
        if isinstance(policy.task, SessionTask):
            return Recommender.load(folder, decisions=self._log, store=self._store, **self._options)
        given = {name: value for name, value in self._options.items() if value not in (None, "none")}
        if isinstance(policy.task, PacingTask | AutoTask):
            _refuse(given, "a bidder")
            return BidDesk(Bidder(policy), self._store, self._log)
        if isinstance(policy.task, SeasonTask):
            pricer = Pricer(policy, hash_key=given.pop("hash_key", None))
            _refuse(given, "a pricer")
            return PriceDesk(pricer, self._store, self._log)
        if not isinstance(policy.task, ShopTask | SingleItemTask):
            raise ValueError(f"{folder} can not be served: {why_not(policy.env_id)}")
        planner = Planner(policy, hash_key=given.pop("hash_key", None))
        _refuse(given, "a planner")
        return OrderDesk(planner, self._log)


def _refuse(options: dict[str, Any], what: str) -> None:
    if options:
        raise ValueError(f"{what} takes no {', '.join(options)}")


def serve(service: Service, host: str, port: int) -> None:
    """Serve until SIGTERM or SIGINT; running requests are answered first."""
    import uvicorn

    from sb3_ecom.live.app import create_app

    uvicorn.run(create_app(service), host=host, port=port, access_log=False, log_level="warning")
