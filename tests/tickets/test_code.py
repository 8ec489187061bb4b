"""The text of a ticket's QR code."""

from uuid import UUID, uuid4

from hypothesis import given
from hypothesis import strategies as st

from boxoffice.foundation.db import Database, Query
from boxoffice.foundation.ids import new_id
from boxoffice.tickets.code import PAYLOAD_LENGTH, read_payload, ticket_payload
from tests.nights import load

SECRET = "a secret of the tests, long enough for them"
EVENT = Query(lambda event_id, code: (UUID(str(event_id)), str(code)), "SELECT id, short_code FROM event")
KEYS = Query(lambda number, key: (number, key), "SELECT number, public_key FROM event_key ORDER BY number")
ALPHANUMERIC = set("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ")


async def test_a_door_with_the_public_key_believes_it_and_no_other(db: Database) -> None:
    await load(db)
    ticket_id = new_id()
    async with db.transaction() as connection:
        event = await EVENT.first(connection)
        assert event is not None
        payload = await ticket_payload(connection, SECRET, event[0], ticket_id, 3)
        assert payload == await ticket_payload(connection, SECRET, event[0], ticket_id, 3)
        ((number, public_key),) = await KEYS.all(connection)
    assert len(payload) == PAYLOAD_LENGTH
    assert set(payload) <= ALPHANUMERIC
    read = read_payload(payload.lower())
    assert read is not None
    assert (read.event_code, read.key_number, read.ticket_id, read.revision) == (event[1], number, ticket_id, 3)
    assert read.genuine(public_key)
    assert not read.genuine(bytes(32))
    for place in range(0, PAYLOAD_LENGTH, 7):
        forged = read_payload(payload[:place] + ("A" if payload[place] != "A" else "B") + payload[place + 1 :])
        assert forged is None or not forged.genuine(public_key)


async def test_a_changed_secret_makes_a_new_key_and_the_old_codes_stay_genuine(db: Database) -> None:
    await load(db)
    async with db.transaction() as connection:
        event = await EVENT.first(connection)
        assert event is not None
        old = await ticket_payload(connection, SECRET, event[0], new_id(), 0)
        new = await ticket_payload(connection, SECRET + " changed", event[0], new_id(), 0)
        keys = dict(await KEYS.all(connection))
    for payload, number in ((old, 1), (new, 2)):
        read = read_payload(payload)
        assert read is not None
        assert read.key_number == number
        assert read.genuine(keys[number])


@given(st.text(max_size=200))
def test_anything_else_is_no_ticket(text: str) -> None:
    assert read_payload(text) is None or len(text) == PAYLOAD_LENGTH


def test_a_text_of_the_right_length_is_not_enough() -> None:
    assert read_payload("Z" * PAYLOAD_LENGTH) is None
    assert read_payload("1" * PAYLOAD_LENGTH) is None
    assert read_payload(uuid4().hex * 5) is None
