from typing import Any, cast

from httpx import ASGITransport, AsyncClient

from boxoffice.app import create_app
from boxoffice.box import BoxOffice
from boxoffice.settings import Settings
from tests.conftest import SECRET_KEY


async def test_without_a_database_the_process_lives_but_is_not_ready() -> None:
    settings = Settings.from_environment(
        {"DATABASE_URL": "postgresql://nobody@127.0.0.1:1/none", "SECRET_KEY": SECRET_KEY}
    )
    app = cast("Any", create_app(BoxOffice.from_settings(settings)))
    async with AsyncClient(transport=ASGITransport(app=app), base_url="http://localhost") as http:
        assert (await http.get("/healthz")).status_code == 200
        ready = await http.get("/readyz")
    assert ready.status_code == 503
    assert "DATABASE_URL" in ready.json()["detail"]
