"""FastAPI application of a live policy.

A session policy is served under `/open`, `/recommend`, `/record` and `/catalogue`, one of a campaign under
`/open`, `/bid` and `/record`, a buyer's under `/orders`, one of prices under `/open` and
`/prices`. OpenAPI documentation is at `/docs`, Prometheus text
at `/metrics`.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import signal
import time
from collections.abc import AsyncIterator, Callable
from typing import Any

import prometheus_client as prometheus
from fastapi import FastAPI, Request, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import JSONResponse

from sb3_ecom.live.desks import BidDesk, OrderDesk, PriceDesk
from sb3_ecom.live.messages import (
    BidRequest,
    Catalogue,
    LateReport,
    OpenDay,
    Opened,
    OpenSeason,
    OpenVisit,
    OrdersRequest,
    Page,
    PageRequest,
    PricesRequest,
    Reload,
    Reward,
)
from sb3_ecom.live.recommender import Recommender
from sb3_ecom.live.service import Service
from sb3_ecom.live.visit_store import StoreUnavailableError, UnknownVisitError

_LOG = logging.getLogger(__name__)
_FLUSH = 1.0  # seconds between two looks at the journal's age


def create_app(service: Service) -> FastAPI:
    """Return the application of a service."""

    @contextlib.asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        flusher = asyncio.create_task(_flush_forever(service))
        with contextlib.suppress(NotImplementedError, ValueError, RuntimeError):  # not the main thread
            asyncio.get_running_loop().add_signal_handler(signal.SIGHUP, _reload_or_say, service)
        yield
        flusher.cancel()
        service.close()

    app = FastAPI(title="sb3_ecom", description=__doc__ or "", lifespan=lifespan)
    _add_measures(app, service)
    if isinstance(service.form, Recommender):
        _add_visits(app, service)
    elif isinstance(service.form, BidDesk):
        _add_bids(app, service)
    elif isinstance(service.form, PriceDesk):
        _add_prices(app, service)
    else:
        _add_orders(app, service)
    _add_operations(app, service)
    return app


async def _call(service: Service, act: Callable[[], Any]) -> Any:
    """Run a call; in a thread where it may wait for the network.

    A decision itself takes less time than a change of threads.
    """
    return await run_in_threadpool(act) if service.blocking else act()


def _add_measures(app: FastAPI, service: Service) -> None:
    app.add_middleware(_Measured, service=service)
    for kind, status in ((UnknownVisitError, 404), (ValueError, 422), (StoreUnavailableError, 503)):
        app.add_exception_handler(kind, _answer(status))


def _add_visits(app: FastAPI, service: Service) -> None:
    @app.post("/open", summary="Begin a visit")
    async def open_visit(body: OpenVisit) -> Opened:
        found = await _call(service, lambda: service.shop.open(body.landing, body.hour, body.visit))
        return Opened(visit=found.name)

    @app.post("/recommend", summary="Return a page, of a visit or for the clicks given")
    async def recommend(body: PageRequest) -> Page:
        shop = service.shop
        page = await _call(service, lambda: body.ask(shop))
        service.decisions.labels(page.policy, "policy" if page.fallback is None else "fallback").inc()
        return Page(**vars(page))

    @app.post("/record", summary="Note what became of a page; may come late, once a page")
    async def record(body: Reward) -> dict[str, str]:
        await _call(service, lambda: service.shop.reward(body.event_id, body.clicked, body.bought))
        kind = "none" if body.clicked is None else "bought" if body.bought else "clicked"
        service.rewards.labels(kind).inc()
        return {"status": "noted"}

    @app.post("/catalogue", summary="Take over the items on sale")
    async def catalogue(body: Catalogue) -> dict[str, Any]:
        change = await _call(service, lambda: service.update_catalogue(body.items, body.new_share))
        return dict(vars(change))


def _add_bids(app: FastAPI, service: Service) -> None:
    def desk() -> BidDesk:
        assert isinstance(service.form, BidDesk)
        return service.form

    @app.post("/open", summary="Open a campaign's day")
    async def open_day(body: OpenDay) -> dict[str, str]:
        options = body.model_dump(exclude={"budget"})
        return {"campaign": await _call(service, lambda: desk().open(body.budget, **options))}

    @app.post("/bid", summary="Return the bid of the next tick, given the report of the last")
    async def bid(body: BidRequest) -> dict[str, Any]:
        found = await _call(service, lambda: desk().bid(body.campaign, body.report))
        service.decisions.labels(found.policy, "policy").inc()
        return dict(vars(found))

    @app.post("/record", summary="Note a late report")
    async def record(body: LateReport) -> dict[str, list[str]]:
        return {"assumed": await _call(service, lambda: desk().note(body.campaign, body.report))}


def _add_orders(app: FastAPI, service: Service) -> None:
    @app.post("/orders", summary="Return what to order this morning")
    async def orders(body: OrdersRequest) -> dict[str, Any]:
        desk = service.form
        assert isinstance(desk, OrderDesk)
        found = await _call(service, lambda: desk.orders(**body.model_dump()))
        service.decisions.labels(found.policy, "policy").inc()
        return {"orders": dict(found), "policy": found.policy, "reason": found.reason}


def _add_prices(app: FastAPI, service: Service) -> None:
    def desk() -> PriceDesk:
        assert isinstance(service.form, PriceDesk)
        return service.form

    @app.post("/open", summary="Open a season")
    async def open_season(body: OpenSeason) -> dict[str, str]:
        return {"season": await _call(service, lambda: desk().open(body.stock))}

    @app.post("/prices", summary="Return the prices of the next period, given the sales of the last")
    async def prices(body: PricesRequest) -> dict[str, Any]:
        found = await _call(service, lambda: desk().prices(**body.model_dump()))
        service.decisions.labels(found.policy, "policy").inc()
        return {
            "prices": dict(found),
            "period": found.period,
            "policy": found.policy,
            "reason": found.reason,
        }


def _add_operations(app: FastAPI, service: Service) -> None:
    @app.post("/reload", summary="Serve another exported policy; no request is lost")
    async def reload(body: Reload) -> dict[str, str]:
        return {"policy": await run_in_threadpool(service.reload, body.folder)}

    @app.get("/health", summary="What serves")
    async def health() -> dict[str, Any]:
        found: dict[str, Any] = await _call(service, service.health)
        return found

    @app.get("/metrics", summary="Prometheus text")
    async def metrics() -> Response:
        text = prometheus.generate_latest(service.registry)
        return Response(text, media_type="text/plain; version=0.0.4")


class _Measured:
    """ASGI middleware that counts requests and their time; Starlette's own kind costs more than a page."""

    def __init__(self, app: Any, service: Service) -> None:
        self._app, self._service = app, service

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Pass a request on."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        start, status = time.perf_counter(), 500

        async def note(message: Any) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self._app(scope, receive, note)
        finally:
            path = getattr(scope.get("route"), "path", "unknown")
            self._service.seconds.labels(path).observe(time.perf_counter() - start)
            self._service.requests.labels(path, status).inc()


async def _flush_forever(service: Service) -> None:
    while True:
        await asyncio.sleep(_FLUSH)
        service.flush_late()


def _reload_or_say(service: Service) -> None:
    try:
        service.reload()
    except (ValueError, OSError):
        _LOG.exception("reload failed; %s goes on", service.policy)


def _answer(status: int) -> Any:
    async def handle(_: Request, error: Exception) -> JSONResponse:
        return JSONResponse({"detail": str(error)}, status_code=status)

    return handle
