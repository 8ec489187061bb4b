"""The request id, the line of each request, what a crash answers, and what never reaches a log."""

import json
import logging
import time
from collections.abc import AsyncGenerator, AsyncIterator
from typing import Any, cast

import pytest
from httpx import ASGITransport, AsyncClient
from litestar import get
from litestar.response import Stream

from boxoffice.app import create_app
from boxoffice.box import BoxOffice
from boxoffice.foundation import logs
from boxoffice.settings import Settings

pytestmark = pytest.mark.usefixtures("logs_of_a_server")

ADDRESS = "canary@example.org"
KEY = "sk_test_canary1234"
SECRETS = f"no {ADDRESS} canary%40example.org {KEY} whsec_canary1234 cs_test_canary https://canary:canary@example.org/"
QUERY = "?t=canary&session_id=cs_test_canary&email=canary@example.org"


@get(["/breaks", "/api/v1/breaks", "/sign-in/{token:str}", "/breaks/{code:str}"])
async def breaks() -> None:
    try:
        int(SECRETS)
    except ValueError as error:
        raise RuntimeError(f"the surroundings of {KEY}") from error


@get("/breaks-later")
async def breaks_later() -> Stream:
    async def half() -> AsyncGenerator[str]:
        yield "half"
        raise RuntimeError("in the middle")

    return Stream(half)


@get("/warns")
async def warns() -> None:
    logging.getLogger("a.library").warning("sent to %s", ADDRESS)
    logs.info("named", to=ADDRESS, nested={"key": KEY}, token=f"token={KEY}", count=3)


@pytest.fixture
async def client(settings: Settings) -> AsyncIterator[AsyncClient]:
    app = create_app(BoxOffice.from_settings(settings))
    for handler in (breaks, breaks_later, warns):
        app.register(handler)
    transport = ASGITransport(app=cast("Any", app), raise_app_exceptions=False)
    async with AsyncClient(transport=transport, base_url="http://localhost") as http:
        yield http


async def test_a_line_per_request(client: AsyncClient, capsys: pytest.CaptureFixture[str]) -> None:
    answer = await client.get("/healthz?t=canary")
    (line,) = _lines(capsys)
    assert (line["event"], line["level"], line["method"], line["path"], line["status"]) == (
        "request",
        "info",
        "GET",
        "/healthz",
        200,
    )
    assert line["ms"] >= 0
    assert line["request_id"] == answer.headers["x-request-id"]


@pytest.mark.parametrize(
    ("brought", "kept"),
    [
        ("deploy_42-abcdef", True),
        ("a" * 64, True),
        ("a" * 7, False),
        ("a" * 65, False),
        ("two words", False),
        ("line\\nbreak", False),
    ],
)
async def test_an_id_is_taken_over_when_it_is_well_formed(client: AsyncClient, brought: str, *, kept: bool) -> None:
    answer = await client.get("/nowhere", headers={"X-Request-Id": brought})
    assert (answer.headers["x-request-id"] == brought) == kept
    assert 8 <= len(answer.headers["x-request-id"]) <= 64


async def test_two_requests_two_ids(client: AsyncClient) -> None:
    first, second = await client.get("/healthz"), await client.get("/healthz")
    assert first.headers["x-request-id"] != second.headers["x-request-id"]


async def test_a_crash_is_a_sentence_with_a_reference(client: AsyncClient, capsys: pytest.CaptureFixture[str]) -> None:
    page, api = await client.get("/breaks"), await client.get("/api/v1/breaks")
    assert (page.status_code, page.headers["content-type"]) == (500, "text/plain; charset=utf-8")
    assert page.text == (
        f"Something broke on our side. Nothing was charged twice; try again. Reference: {page.headers['x-request-id']}"
    )
    assert (api.status_code, api.headers["content-type"]) == (500, "application/problem+json")
    assert api.json()["request_id"] == api.headers["x-request-id"]
    crashes = [line for line in _lines(capsys) if line["event"] == "crash"]
    assert [line["request_id"] for line in crashes] == [page.headers["x-request-id"], api.headers["x-request-id"]]
    for line in crashes:
        assert "RuntimeError: the surroundings" in line["exception"]
        assert "ValueError" in line["exception"]


async def test_only_a_crash_carries_the_id_in_its_body(client: AsyncClient) -> None:
    assert "request_id" not in (await client.get("/nowhere")).json()


async def test_a_crash_in_the_middle_of_an_answer(client: AsyncClient, capsys: pytest.CaptureFixture[str]) -> None:
    await client.get("/breaks-later")
    broke, request = _lines(capsys)
    assert "in the middle" in broke["exception"]
    assert request["path"] == "/breaks-later"


async def test_no_secret_in_any_line(client: AsyncClient, capsys: pytest.CaptureFixture[str]) -> None:
    headers = {"Cookie": "session=canary", "Authorization": "Bearer canary", "X-Request-Id": "canary@example.org"}
    for path in (
        "/breaks",
        "/warns",
        "/sign-in/canary",
        "/breaks/AB12CD",
        "/nowhere/session_id=canary",
        f"/nowhere/{'canary' * 6}",
        f"/nowhere/{ADDRESS}",
        "/nowhere/t%3Dcanary",
    ):
        await client.get(path + QUERY, headers=headers)
    written = capsys.readouterr().err
    assert len(written.splitlines()) == 8 + 3 + 2
    assert "canary" not in written
    assert '"path":"/breaks/AB12CD"' in written
    assert '"path":"/sign-in/{token}"' in written
    assert '"count":3' in written


def test_a_long_text_is_cut_and_costs_little(capsys: pytest.CaptureFixture[str]) -> None:
    began = time.process_time()
    logs.error("crash", problem=ValueError("a" * 1_000_000 + ADDRESS))
    assert time.process_time() - began < 1
    written = capsys.readouterr().err
    assert "canary" not in written
    assert len(written) < 25_000


def test_readable_on_a_terminal(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    logs.configure(production=False)
    monkeypatch.setattr("sys.stderr.isatty", lambda: True)
    logs.info("named", to=ADDRESS)
    written = capsys.readouterr().err
    assert "named" in written
    assert "canary" not in written
    assert not written.startswith("{")


def _lines(capsys: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    return [json.loads(line) for line in capsys.readouterr().err.splitlines()]
