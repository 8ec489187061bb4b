"""The database is cut off while it answers a scan: it is asked once more, and the scan gets its one answer."""

import pytest

from tests.door.conftest import NIGHT, Door
from tests.house import House


@pytest.fixture
async def door(house: House) -> Door:
    async with house.db.transaction() as connection:
        night = await NIGHT.first(connection)
    assert night is not None
    door = Door(house.shop, night[0])
    await door.execute("UPDATE stock SET cap = cap + 1000")
    return door


@pytest.mark.slow
async def test_cut_off_at_each_message_of_a_scan_it_lets_in_once(house: House, door: Door) -> None:
    """All connections break at the first message to the database, at the second, ...: it has done its work and is not
    answered. What was written then and is not known of, only the nonce can tell: the round is asked anew by itself."""
    scanner = await door.scanner()
    await door.execute("UPDATE entry_list SET opens_at = now() - interval '1 hour'")
    number, came = 0, True
    while came:
        number += 1
        (code,) = await door.tickets()
        body = scanner.body(code)
        house.to_database.cut_at(number)
        answer = await scanner.send(body)
        came = house.to_database.was_cut()
        assert (answer.status_code, answer.json()["answer"]) == (200, "admitted"), number
        assert (await scanner.send(body)).json() == answer.json()
        assert (await scanner.scan(code))["answer"] == "already_used"
    assert number > 2
    assert await door.value("SELECT count(*) FROM entry") == number
    assert await door.value("SELECT count(*) FROM scan WHERE answer = 'admitted'") == number
