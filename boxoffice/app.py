"""The composition root: the web application from its parts."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

from litestar import Litestar, Request, Response
from litestar.di import Provide
from litestar.exceptions import HTTPException
from litestar.openapi import OpenAPIConfig

from boxoffice.api import health, wallet
from boxoffice.api.docs import page
from boxoffice.api.openapi import TAGS, DescribedApp, DescribedJson
from boxoffice.api.problem_json import answer_http_error, answer_problem
from boxoffice.api.v1 import door, door_sales, events, orders, scans
from boxoffice.box import BoxOffice
from boxoffice.edge.body_limit import BODY_BYTES_MAX, BodyLimit
from boxoffice.edge.compression import Compression
from boxoffice.edge.crash import answer_crash, answer_database_away
from boxoffice.edge.csrf import refuse_other_sites
from boxoffice.edge.head import AnswersHead
from boxoffice.edge.request_log import RequestLog
from boxoffice.edge.security_headers import security_headers
from boxoffice.edge.vendor_files import show_vendor_file
from boxoffice.edge.whole_cookie import JoinsCookies
from boxoffice.foundation import logs
from boxoffice.foundation.db import CLASHED, LOST
from boxoffice.foundation.problems import Problem
from boxoffice.hooks import cron, stripe
from boxoffice.warm_up import load_pages, load_the_rest
from boxoffice.web.pages import PAGES
from boxoffice.web.problem_page import crash_page, database_away_page, http_error_page, problem_page, wants_page


def create_app(box: BoxOffice) -> Litestar:
    """The application; the database is opened by its first transaction, not here."""

    def provide_box() -> BoxOffice:
        return box

    @asynccontextmanager
    async def open_until_the_end(_app: Litestar) -> AsyncGenerator[None, None]:
        logs.info("web process started")  # the first line loads what lines need: here, not for the first buyer
        load_pages()
        loading = asyncio.create_task(asyncio.to_thread(load_the_rest, stripe=box.till.stripe is not None))
        yield
        await loading
        await box.close()

    app = DescribedApp(
        route_handlers=[
            *(health.healthz, health.readyz, events.list_events, events.show_event),
            *(orders.place_order, orders.show, stripe.webhook, cron.cron),
            *(scans.scan, door.pair_device, door.show_door, door.show_keys),
            *(door_sales.show_till, door_sales.open_till, door_sales.close_till),
            *(door_sales.sell_tickets, door_sales.void_sale),
            *(page.show_docs, page.show_docs_file, show_vendor_file),
            *(wallet.register_phone, wallet.unregister_phone, wallet.list_changed, wallet.show_latest, wallet.take_log),
            *PAGES,
        ],
        dependencies={"box": Provide(provide_box, sync_to_thread=False)},
        exception_handlers=_answers_to_problems(box),
        before_request=refuse_other_sites(box.settings),
        before_send=[security_headers(box.settings)],
        middleware=[BodyLimit()],
        lifespan=[open_until_the_end],
        logging_config=None,
        request_max_body_size=BODY_BYTES_MAX,
        openapi_config=OpenAPIConfig(
            title="Box office",
            version="1",
            path="/api",
            use_handler_docstrings=True,
            tags=TAGS,
            render_plugins=[DescribedJson(path="/openapi.json")],
        ),
    )
    app.asgi_handler = RequestLog(AnswersHead(JoinsCookies(Compression(app.asgi_handler))))
    return app


def _answers_to_problems(box: BoxOffice) -> dict[int | type[Exception], Any]:
    """People get a page, programs `application/problem+json`."""

    def problem(request: Request[Any, Any, Any], error: Problem) -> Response[Any]:
        return problem_page(box, error) if wants_page(request) else answer_problem(request, error)

    def http_error(request: Request[Any, Any, Any], error: HTTPException) -> Response[Any]:
        return http_error_page(box, error) if wants_page(request) else answer_http_error(request, error)

    def crash(request: Request[Any, Any, Any], error: Exception) -> Response[Any]:
        return crash_page(box, request, error) if wants_page(request) else answer_crash(request, error)

    def away(request: Request[Any, Any, Any], error: Exception) -> Response[Any]:
        return database_away_page(box, error) if wants_page(request) else answer_database_away(request, error)

    return {Problem: problem, HTTPException: http_error, **dict.fromkeys((*LOST, *CLASHED), away), 500: crash}
