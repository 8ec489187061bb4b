"""A box office with something in every state, on a database and a port of its own, for pictures and audits."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

from granian.constants import Interfaces
from granian.log import LogLevels
from granian.server.embed import Server

from boxoffice.app import create_app
from boxoffice.cli import migrate
from boxoffice.settings import Settings
from local_postgres import LocalPostgres
from tests.wallet.keys import apple_environment, google_environment
from tests.web.every_page import Stage, furnish

LOCAL = Path(__file__).resolve().parent.parent / ".local"


@asynccontextmanager
async def whole_house(port: int, name: str) -> AsyncGenerator[Stage]:
    """Serves it; everything is gone afterwards. `name` is that of its database and folder."""
    postgres = LocalPostgres(LOCAL / name)
    await asyncio.to_thread(postgres.start)
    try:
        postgres.drop_database(name)
        postgres.create_database(name)
        await asyncio.to_thread(migrate.run, postgres.url(name))
        settings = Settings.from_environment(
            {
                "DATABASE_URL": postgres.url(name),
                "BASE_URL": f"http://localhost:{port}",
                "SECRET_KEY": "a secret of pictures and audits, long enough",
                "STRIPE_SECRET_KEY": "sk_test_pictures_1234567890",
                "STRIPE_WEBHOOK_SECRET": "whsec_of_the_pictures",
                "STRIPE_API_BASE": "http://127.0.0.1:1",
                **apple_environment(),
                **google_environment(),
            }
        )
        box, stage = await furnish(settings)
        server = Server(
            create_app(box), address="127.0.0.1", port=port, interface=Interfaces.ASGI, log_level=LogLevels.error
        )
        serving = asyncio.create_task(server.serve())
        await asyncio.sleep(0.5)
        try:
            yield stage
        finally:
            server.stop()
            await serving
            await box.close()
    finally:
        await asyncio.to_thread(postgres.stop)
