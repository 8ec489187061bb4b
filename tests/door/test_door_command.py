"""`boxoffice door pair | devices | unlock | revoke`: scanners from a terminal, until there is a back office."""

import asyncio
import re
from collections.abc import Awaitable, Callable
from uuid import UUID

import httpx
import pytest

from boxoffice.cli.door import run_change, run_devices, run_pair
from boxoffice.foundation.problems import NotFound, Unprocessable
from boxoffice.settings import Reading, read_environment
from tests.door.conftest import SYNC, Door, Scanner
from tests.shop import SLUG
from tests.shop_fixtures import shop_environment

Said = Callable[..., Awaitable[str]]


@pytest.fixture
def reading(database_url: str) -> Reading:
    return read_environment(shop_environment(database_url, "http://localhost:3000", "http://127.0.0.1:1"))


@pytest.fixture
def said(capsys: pytest.CaptureFixture[str]) -> Said:
    async def run(*command: object, **options: object) -> str:
        verb, *arguments = command
        await asyncio.to_thread(verb, *arguments, **options)  # type: ignore[arg-type]
        return capsys.readouterr().out

    return run


async def paired(door: Door, told: str, pin: str = "") -> httpx.Response:
    """What is answered to whoever has the link, and the PIN unless it is another."""
    ((slug, link, right),) = re.findall(r"link  http://localhost:3000/door/([^/]+)/(\S+)\n  PIN   (\d{6})\n", told)
    assert slug == SLUG
    return await door.shop.web.post(f"{SYNC}/pairings", json={"link": link, "pin": pin or right})


async def test_the_printed_link_and_pin_make_a_scanner_that_is_listed_and_taken_out(
    door: Door, reading: Reading, said: Said
) -> None:
    (code,) = await door.tickets()
    assert "has no scanner yet" in await said(run_devices, reading, SLUG)
    told = await said(run_pair, reading, SLUG, "Terrace", role="supervisor", list_name="", sells=True)
    assert "Terrace (supervisor, sells)" in told
    assert "not paired yet" in await said(run_devices, reading, SLUG)
    answer = (await paired(door, told)).json()
    scanner = Scanner(door.shop, answer["device_id"], answer["token"])
    assert "last seen" not in await said(run_devices, reading, SLUG)
    assert (await scanner.scan(code))["answer"] == "admitted"
    listed = await said(run_devices, reading, SLUG)
    for words in (scanner.id, "Terrace (supervisor, Door, sells): in service, last seen 20"):
        assert words in listed
    assert "out of service" in await said(run_change, reading, SLUG, UUID(scanner.id), unlocks=False)
    assert (await scanner.send(scanner.body(code))).json()["type"] == "device_revoked"
    assert "revoked" in await said(run_devices, reading, SLUG)
    with pytest.raises(NotFound, match="no such scanner in service"):
        await said(run_change, reading, SLUG, UUID(scanner.id), unlocks=False)


async def test_a_locked_link_is_unlocked(door: Door, reading: Reading, said: Said) -> None:
    told = await said(run_pair, reading, SLUG, "Terrace", role="staff", list_name="", sells=False)
    wrong = "000000" if "000000" not in told else "111111"
    for _ in range(5):
        await paired(door, told, wrong)
    assert (await paired(door, told)).json()["type"] == "link_locked"
    listed = await said(run_devices, reading, SLUG)
    assert "locked by 5 wrong PINs" in listed
    assert "can be tried again" in await said(run_change, reading, SLUG, UUID(listed[:36]), unlocks=True)
    assert (await paired(door, told)).status_code == 201


async def test_what_is_not_there_is_said_and_makes_nothing(door: Door, reading: Reading, said: Said) -> None:
    plain: dict[str, object] = {"role": "staff", "list_name": "", "sells": False}
    with pytest.raises(NotFound):
        await said(run_pair, reading, "nowhere", "Terrace", **plain)
    with pytest.raises(NotFound, match="no list called Roof"):
        await said(run_pair, reading, SLUG, "Terrace", **plain | {"list_name": "Roof"})
    for gate in ("", "x" * 41, "a\nb"):
        with pytest.raises(Unprocessable, match="1 to 40"):
            await said(run_pair, reading, SLUG, gate, **plain)
    assert await door.value("SELECT count(*) FROM device") == 0
