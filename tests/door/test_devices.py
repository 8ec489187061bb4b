"""Scanners are paired by link and PIN, know one night, and end at once."""

from datetime import datetime, timedelta
from uuid import UUID, uuid4

from boxoffice.door.device import revoke, unlock
from tests.door.conftest import SCANS, Door, Scanner


async def test_the_link_and_its_pin_make_a_scanner(door: Door) -> None:
    made = await door.link("Main door", "supervisor")
    answer = await door.pair(made, device_at="2001-01-01T00:00:00Z")
    assert answer.status_code == 201
    paired = answer.json()
    assert (paired["gate"], paired["role"], paired["list_name"]) == ("Main door", "supervisor", "Door")
    kept = str(await door.value("SELECT row_to_json(device)::text FROM device"))
    assert not any(secret in kept for secret in (made.link, made.pin, paired["token"]))


async def test_pairing_again_puts_the_phone_before_out_of_service(door: Door) -> None:
    made = await door.link()
    first, second = (await door.pair(made)).json(), (await door.pair(made)).json()
    (code,) = await door.tickets()
    old, new = (Scanner(door.shop, one["device_id"], one["token"]) for one in (first, second))
    answer = await old.send(old.body(code))
    assert (answer.status_code, answer.json()["type"]) == (401, "unknown_device")
    assert (await new.scan(code))["answer"] == "admitted"


async def test_five_wrong_pins_lock_the_link(door: Door) -> None:
    made = await door.link()
    wrong = "000000" if made.pin != "000000" else "111111"
    answers = [(await door.pair(made, wrong)) for _ in range(6)]
    assert [answer.json()["type"] for answer in answers] == ["wrong_pin"] * 4 + ["link_locked"] * 2
    assert "4 more tries" in answers[0].json()["detail"]
    assert (await door.pair(made)).json()["type"] == "link_locked"
    async with door.shop.box.db.transaction() as connection:
        assert await unlock(connection, door.event_id, made.device_id)
    assert (await door.pair(made)).status_code == 201


async def test_a_link_that_is_none(door: Door) -> None:
    made = await door.link()
    for body in ({"link": "x", "pin": made.pin}, {"link": "\0", "pin": "1"}, {"link": made.link, "pin": "\0"}):
        answer = await door.shop.web.post("/api/v1/events/tiefdruck-eins/door/pairings", json=body)
        assert answer.status_code in (403, 404)
    answer = await door.shop.web.post("/api/v1/events/other/door/pairings", json={"link": made.link, "pin": made.pin})
    assert answer.status_code == 404


async def test_a_revoked_scanner_scans_and_syncs_no_more(door: Door) -> None:
    (code,), scanner = await door.tickets(), await door.scanner()
    async with door.shop.box.db.transaction() as connection:
        devices = await connection.fetch("SELECT id FROM device")
        assert await revoke(connection, door.event_id, devices[0]["id"])
        assert not await revoke(connection, door.event_id, uuid4())
    answer = await scanner.send([scanner.body(code)])
    assert (answer.status_code, answer.json()["type"]) == (403, "device_revoked")
    synced = await door.shop.web.get("/api/v1/events/tiefdruck-eins/door", headers=scanner.headers)
    assert (synced.status_code, synced.json()["type"]) == (403, "device_revoked")
    assert await door.value("SELECT count(*) FROM scan") == 0


async def test_a_stranger_gets_nothing(door: Door) -> None:
    (code,), scanner = await door.tickets(), await door.scanner()
    for token in ("x", "x" * 43):
        stranger = Scanner(door.shop, scanner.id, token)
        answer = await stranger.send(stranger.body(code))
        assert (answer.status_code, answer.json()["type"]) == (401, "unknown_device")
    answer = await scanner.send(scanner.body(code) | {"device": str(uuid4())})
    assert answer.status_code == 401
    assert (await door.shop.web.post(SCANS, json=scanner.body(code))).status_code == 401
    assert (await door.shop.web.get("/api/v1/events/tiefdruck-eins/door")).status_code == 401


async def test_a_scanner_keeps_what_it_needs_and_asks_for_what_changed(door: Door) -> None:
    codes, scanner = await door.tickets(3), await door.scanner()
    everything = await scanner.sync()
    assert {ticket["code"] for ticket in everything["tickets"]} >= set(codes)
    assert "example.org" not in str(everything)
    assert (everything["counts"]["good"], everything["counts"]["entered"]) == (4, 0)
    await door.execute("UPDATE ticket SET changed_at = changed_at - interval '1 year'")
    await door.execute("SELECT 1")
    await scanner.scan(codes[0])
    changed = await scanner.sync(since=everything["cursor"])
    assert codes[0] in [ticket["code"] for ticket in changed["tickets"] if ticket["status"] == "used"]
    assert changed["counts"] == {"entered": 1, "inside": 1, "good": 4, "last_minutes": 1, "in_room": 1, "room": 60}
    answer = await door.shop.web.get(
        "/api/v1/events/tiefdruck-eins/door", params={"since": "soon"}, headers=scanner.headers
    )
    assert answer.status_code == 422


async def test_the_doors_own_address_says_how_a_phone_becomes_a_scanner(door: Door) -> None:
    page = await door.shop.web.get("/door")
    assert page.status_code == 200
    for words in ("a link and a PIN", 'href="/organiser"', 'href="/tickets"'):
        assert words in page.text


async def test_a_scanner_hears_that_another_had_let_its_ticket_in_and_its_answer_stays(door: Door) -> None:
    (code, other), east, west = await door.tickets(2), await door.scanner("East"), await door.scanner("West")
    first, second = west.body(code, answered="admitted"), east.body(code, answered="admitted")
    second["scanned_at"] = str(door.shop.box.db.moved_clock + timedelta(minutes=2))  # type: ignore[operator]
    told = (await east.send(second)).json()
    assert (await east.sync())["also_let_in"] == [], "nobody else has told of it yet"
    await west.send(first)
    await east.scan(other)
    (also,) = (await east.sync())["also_let_in"]
    assert (also["nonce"], also["gate"]) == (second["nonce"], "West")
    assert datetime.fromisoformat(also["at"]) == datetime.fromisoformat(first["scanned_at"])
    assert (await west.sync())["also_let_in"] == []
    assert (await east.send(second)).json() == told
    await west.undo(first["nonce"])
    assert (await east.sync())["also_let_in"] == []


async def test_a_phone_that_was_paired_anew_tells_what_it_did_before(door: Door) -> None:
    """As the scans of the scanner that it was, once, whichever of the two told them; a link alone tells for nobody."""
    codes, old, new = await door.tickets(3), await door.scanner("Side door"), await door.scanner("Back door")
    first, second = (old.body(code, answered="admitted") for code in codes[:2])
    assert (await old.send([first])).status_code == 200
    async with door.shop.box.db.transaction() as connection:
        assert await revoke(connection, door.event_id, UUID(old.id))
    assert (await old.send([second])).json()["type"] == "device_revoked"
    told = [body | {"told_by": new.id} for body in (first, second)]
    undo = told[0] | {"nonce": "nonce-undo", "answered": "undone", "undo": {"nonce": first["nonce"], "reason": "left"}}
    told.append({name: value for name, value in undo.items() if name != "code"})
    for _ in range(2):
        assert [one["answer"] for one in (await new.send(told)).json()] == ["admitted", "admitted", "undone"]
    assert await door.value("SELECT count(*) FROM scan") == 3
    assert await door.value("SELECT string_agg(gate, ' ') FROM entry JOIN device ON id = device_id") == "Side door"
    for changes, status in (({"told_by": old.id}, 401), ({"device": str(uuid4())}, 422), ({"answered": None}, 422)):
        assert (await new.send([told[1] | {"nonce": "nonce-other"} | changes])).status_code == status
    assert (await old.send([second | {"told_by": new.id}])).status_code == 401
    assert await door.value("SELECT count(*) FROM scan") == 3
