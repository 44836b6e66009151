"""A live policy as a service: what serves now, reloads that drop no request, the log's flushing, counts."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

from sb3_ecom.live.decision_log import DecisionLog
from sb3_ecom.live.recommender import Recommender
from sb3_ecom.live.visit_store import VisitStore, open_store

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
        ValueError: if an extra is missing, or the folder is no exported session policy.
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
        self.shop = self._load(self.folder)
        self.registry = prometheus.CollectorRegistry()
        names = {"registry": self.registry, "namespace": "sb3_ecom"}
        self.seconds = prometheus.Histogram(
            "request_seconds",
            "Time that a request took",
            ["path"],
            buckets=(0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 1.0),
            **names,  # type: ignore[arg-type]
        )
        self.requests = prometheus.Counter("requests", "Requests", ["path", "status"], **names)  # type: ignore[arg-type]
        self.decisions = prometheus.Counter("decisions", "Pages decided", ["policy", "by"], **names)  # type: ignore[arg-type]
        self.rewards = prometheus.Counter("rewards", "Rewards noted", ["kind"], **names)  # type: ignore[arg-type]
        self.log_errors = prometheus.Counter("log_errors", "Journals not turned into parquet", **names)  # type: ignore[arg-type]

    def reload(self, folder: str | Path | None = None) -> str:
        """Serve another policy from the next request on; those under way end with the present one.

        Running visits, the decision log and the counts go on.

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
        self.shop, self.folder = self._load(target), target
        _LOG.info("now serving %s", self.shop.policy)
        return self.shop.policy

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

    def health(self) -> dict[str, Any]:
        """Return what serves and how many visits are kept.

        Raises:
            StoreUnavailableError: if the visits can not be reached.
        """
        served = self.shop.served
        return {
            **{"status": "ok", "policy": self.shop.policy, "env_id": served.env_id},
            **{"exported": served.name, "explore": str(self.shop.explore)},
            **{"visits": len(self._store), "items": len(self.shop.ids)},
        }

    def _load(self, folder: Path) -> Recommender:
        return Recommender.load(folder, decisions=self._log, store=self._store, **self._options)


def serve(service: Service, host: str, port: int) -> None:
    """Serve until SIGTERM or SIGINT; running requests are answered first."""
    import uvicorn

    from sb3_ecom.live.app import create_app

    uvicorn.run(create_app(service), host=host, port=port, access_log=False, log_level="warning")
