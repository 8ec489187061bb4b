"""The composition root: the web application from its parts."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from litestar import Litestar
from litestar.di import Provide
from litestar.exceptions import HTTPException
from litestar.openapi import OpenAPIConfig
from litestar.openapi.plugins import JsonRenderPlugin

from boxoffice.api import health
from boxoffice.api.docs import page
from boxoffice.api.openapi import describe_bodies
from boxoffice.api.problem_json import answer_http_error, answer_problem
from boxoffice.api.v1 import events, orders
from boxoffice.box import BoxOffice
from boxoffice.edge.body_limit import BODY_BYTES_MAX, BodyLimit
from boxoffice.edge.crash import answer_crash, answer_database_away
from boxoffice.edge.request_log import RequestLog
from boxoffice.edge.vendor_files import show_vendor_file
from boxoffice.foundation import logs
from boxoffice.foundation.db import LOST
from boxoffice.foundation.problems import Problem
from boxoffice.hooks import cron, stripe


def create_app(box: BoxOffice) -> Litestar:
    """The application; the database is opened by its first transaction, not here."""

    def provide_box() -> BoxOffice:
        return box

    @asynccontextmanager
    async def close_at_the_end(_app: Litestar) -> AsyncGenerator[None, None]:
        logs.info("web process started")  # the first line loads what lines need: here, not for the first buyer
        yield
        await box.close()

    app = Litestar(
        route_handlers=[
            *(health.healthz, health.readyz, events.list_events, events.show_event),
            *(orders.place_order, orders.show, stripe.webhook, cron.cron),
            *(page.show_docs, page.show_docs_file, show_vendor_file),
        ],
        dependencies={"box": Provide(provide_box, sync_to_thread=False)},
        exception_handlers={
            Problem: answer_problem,
            HTTPException: answer_http_error,
            **dict.fromkeys(LOST, answer_database_away),
            500: answer_crash,
        },
        middleware=[BodyLimit()],
        lifespan=[close_at_the_end],
        logging_config=None,
        request_max_body_size=BODY_BYTES_MAX,
        openapi_config=OpenAPIConfig(
            title="Box office",
            version="1",
            path="/api",
            use_handler_docstrings=True,
            render_plugins=[JsonRenderPlugin(path="/openapi.json")],
        ),
    )
    describe_bodies(app)
    app.asgi_handler = RequestLog(app.asgi_handler)
    return app
