"""Composition root: the ASGI app with API, hosted page, control API and the socket of `stripe listen`."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from random import Random

from litestar import Litestar
from litestar.datastructures import State
from litestar.di import Provide

from stripe_simulator.api.http import api
from stripe_simulator.checkout_page import handlers, three_d_secure
from stripe_simulator.clock import Clock
from stripe_simulator.control.router import control_router
from stripe_simulator.core import Core
from stripe_simulator.errors import NoSuchObject
from stripe_simulator.listen import session, socket
from stripe_simulator.settings import Settings, from_environment


def create_app(
    settings: Settings | None = None, *, clock: Clock | None = None, random: Random | None = None
) -> Litestar:
    """The app; its lifespan opens the database and starts clock and deliveries. `app.state.core` is the core."""
    chosen = settings or from_environment()

    @asynccontextmanager
    async def running(app: Litestar) -> AsyncGenerator[None]:
        async with Core.open(chosen, clock=clock, random=random) as core:
            app.state.core = core
            core.start_ticking()
            yield

    return Litestar(
        route_handlers=[
            api,
            control_router(),
            *handlers.HANDLERS,
            *three_d_secure.HANDLERS,
            *session.HANDLERS,
            *socket.HANDLERS,
        ],
        lifespan=[running],
        dependencies={"core": Provide(_core, sync_to_thread=False)},
        exception_handlers={NoSuchObject: handlers.not_found},
        openapi_config=None,
        logging_config=None,
    )


def _core(state: State) -> Core:
    return state.core
