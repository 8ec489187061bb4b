"""What a door is answered, and what follows from it."""

import asyncio
from datetime import timedelta

import pytest

from boxoffice.foundation.db import Query
from boxoffice.foundation.ids import with_check
from boxoffice.tickets.code import ticket_payload
from tests.door.conftest import SCANS, Door

TICKET = Query(
    lambda event_id, ticket_id, revision: (event_id, ticket_id, revision),
    "SELECT event_id, id, revision FROM ticket WHERE code = $1",
)


async def payload_of(door: Door, code: str) -> str:
    async with door.shop.box.db.transaction() as connection:
        found = await TICKET.first(connection, code)
        assert found is not None
        return await ticket_payload(connection, door.shop.box.settings.secret_key, *found)


async def test_a_ticket_lets_in_once_by_its_code_or_its_qr(door: Door) -> None:
    (typed, signed), scanner = await door.tickets(2), await door.scanner("Main door")
    first = await scanner.scan(typed.lower())
    assert (first["answer"], first["ticket"]["code"], first["ticket"]["ticket_type"]) == ("admitted", typed, "Entry")
    again = await scanner.scan(await payload_of(door, typed))
    assert (again["answer"], again["gate"]) == ("already_used", "Main door")
    assert again["used_at"] is not None
    assert (await scanner.scan(await payload_of(door, signed)))["answer"] == "admitted"
    assert await door.value("SELECT count(*) FROM ticket WHERE status = 'used' AND used_at IS NOT NULL") == 2
    assert await door.value("SELECT count(*) FROM entry") == 2


async def test_a_wrongly_typed_code_and_an_orders_are_told_from_an_unknown_one(door: Door) -> None:
    (code,), scanner = await door.tickets(), await door.scanner()
    order = await door.value("SELECT orders.code FROM orders JOIN ticket ON order_id = orders.id LIMIT 1")
    of_nobody = with_check(code[:4] + "0000000")
    for typed, because in (
        (code[:-1], "mistyped"),
        (code[:6] + ("7" if code[6] != "7" else "8") + code[7:], "mistyped"),
        (order, "order_code"),
        (of_nobody, None),
        ("https://example.org/", None),
    ):
        body = scanner.body(typed)
        answers = [(await scanner.send(body)).json() for _ in range(2)]
        assert [(one["answer"], one["because"], one["ticket"]) for one in answers] == [("unknown", because, None)] * 2
    assert await door.value("SELECT count(*) FROM scan WHERE because IS NOT NULL") == 0


async def test_a_stranger_with_a_scanners_number_and_nonce_changes_nothing_of_its_scan(door: Door) -> None:
    (mine, other), scanner = await door.tickets(2), await door.scanner()
    body = scanner.body(mine)
    stranger = {"Authorization": "Bearer of-nobody"}
    forged = {**body, "code": other}
    refused = [door.shop.web.post(SCANS, json=forged, headers=stranger) for _ in range(6)]
    # the first ones are answered alone; all others wait meanwhile, and are one round
    told = await asyncio.gather(*refused[:3], scanner.send(body), *refused[3:])
    answer = told.pop(3)
    assert (answer.json()["answer"], answer.json()["ticket"]["code"]) == ("admitted", mine)
    assert {one.status_code for one in told} == {401}
    assert await door.value("SELECT count(*) FROM scan") == 1


async def test_the_same_scan_told_again_gets_the_same_answer(door: Door) -> None:
    (code,), scanner = await door.tickets(), await door.scanner()
    body = scanner.body(code)
    answers = await asyncio.gather(*(scanner.send(body) for _ in range(6)))
    assert {answer.text for answer in answers} == {answers[0].text}
    assert answers[0].json()["answer"] == "admitted"
    assert await door.value("SELECT count(*) FROM scan") == 1


@pytest.mark.parametrize(
    "text", ["https://example.org/win", "0" * 140, "A" * 4000, "\N{PILE OF POO}", "x", "ABCD-EFG", "\u202eabc\x07"]
)
async def test_what_is_no_ticket_is_unknown(door: Door, text: str) -> None:
    scanner = await door.scanner()
    for read in ("payload", "code"):
        body = {name: value for name, value in scanner.body("").items() if name != "code"} | {read: text}
        answer = await scanner.send(body)
        assert (answer.status_code, answer.json()["answer"], answer.json()["ticket"]) == (200, "unknown", None)


async def test_a_void_blocked_or_reissued_ticket_opens_nothing(door: Door) -> None:
    codes, scanner = await door.tickets(4), await door.scanner()
    old = await payload_of(door, codes[3])
    await door.execute("UPDATE ticket SET status = 'refunded' WHERE code = $1", codes[0])
    await door.execute("UPDATE ticket SET status = 'cancelled' WHERE code = $1", codes[1])
    await door.execute("UPDATE ticket SET blocked_reason = 'disputed' WHERE code = $1", codes[2])
    await door.execute("UPDATE ticket SET revision = revision + 1 WHERE code = $1", codes[3])
    answers = [(await scanner.scan(code))["answer"] for code in (*codes[:3], old)]
    assert answers == ["refunded", "cancelled", "blocked", "cancelled"]
    assert await door.value("SELECT count(*) FROM entry") == 0


async def test_before_the_list_opens_it_is_not_yet(door: Door) -> None:
    (code,), scanner = await door.tickets(), await door.scanner()
    opened, door.shop.box.db.moved_clock = door.shop.box.db.moved_clock, None
    assert (await scanner.scan(code))["answer"] == "not_yet"
    door.shop.box.db.moved_clock = opened
    assert (await scanner.scan(code))["answer"] == "admitted"


async def test_another_nights_ticket_is_told_as_such(door: Door) -> None:
    scanner = await door.scanner()
    (code,) = await door.tickets()
    payload = await payload_of(door, code)
    await door.execute("UPDATE event SET short_code = '0000'")
    door.shop.box.desks = type(door.shop.box.desks)(door.shop.box.db)
    assert [(await scanner.scan(text))["answer"] for text in (code, payload)] == ["wrong_event", "wrong_event"]


async def test_a_scan_is_taken_back_and_the_ticket_is_good_again(door: Door) -> None:
    (code,), scanner = await door.tickets(), await door.scanner()
    first = await scanner.scan(code)
    assert (await scanner.undo(first["nonce"]))["answer"] == "undone"
    assert await door.value("SELECT status FROM ticket WHERE code = $1", code) == "active"
    assert (await scanner.scan(code))["answer"] == "admitted"
    other = await door.scanner("Side door")
    body = other.body("", undo={"nonce": first["nonce"], "device": scanner.id, "reason": "mistake"})
    refused = await other.send({name: value for name, value in body.items() if name != "code"})
    assert (refused.status_code, refused.json()["type"]) == (403, "supervisors_only")


async def test_a_supervisor_lets_in_what_was_refused_with_a_reason(door: Door) -> None:
    (code,), staff, boss = await door.tickets(), await door.scanner(), await door.scanner(role="supervisor")
    await staff.scan(code)
    refused = await staff.send(staff.body(code, override="knows the DJ"))
    assert (refused.status_code, refused.json()["type"]) == (403, "supervisors_only")
    assert (await boss.scan(code, override="lost the wristband"))["answer"] == "admitted"
    assert await door.value("SELECT max(visit) FROM entry") == 2
    assert (await boss.scan("no ticket", override="let them in"))["answer"] == "unknown"


async def test_on_a_list_with_re_entry_people_go_out_and_in(door: Door) -> None:
    (code,), scanner = await door.tickets(), await door.scanner()
    assert (await scanner.scan(code, direction="out"))["answer"] == "not_inside"
    assert (await scanner.scan(code))["answer"] == "admitted"
    assert (await scanner.scan(code, direction="out"))["answer"] == "left"
    assert (await scanner.scan(code))["answer"] == "already_used"
    await door.execute("UPDATE entry_list SET re_entry = true")
    assert (await scanner.scan(code))["answer"] == "admitted"
    assert (await scanner.scan(code))["answer"] == "already_used"
    assert await door.value("SELECT array_agg(visit ORDER BY visit) FROM entry WHERE left_at IS NULL") == [2]


async def test_a_list_takes_its_ticket_types_alone(door: Door) -> None:
    (code,) = await door.tickets()
    await door.execute("INSERT INTO entry_list SELECT id, id, 'Backstage', NULL, false FROM event")
    await door.execute(
        """INSERT INTO ticket_type (event_id, id, position, name, description)
        SELECT event_id, event_id, 9, 'Crew', '' FROM ticket_type LIMIT 1"""
    )
    await door.execute("INSERT INTO entry_list_type SELECT id, id, id FROM event")
    scanner = await door.scanner(list_name="Backstage")
    assert (await scanner.scan(code))["answer"] == "wrong_list"
    assert (await scanner.sync())["tickets"][0]["status"] == "wrong_list"


async def test_doors_without_network_tell_later_and_the_first_one_wins(door: Door) -> None:
    (code,), east, west = await door.tickets(), await door.scanner("East"), await door.scanner("West")
    east.clock_is_off, west.clock_is_off = timedelta(days=-20_000), timedelta(hours=24)
    late = east.body(code, answered="admitted")
    door.shop.box.db.moved_clock += timedelta(seconds=40)  # type: ignore[operator]
    later = west.body(code, answered="admitted")
    for scanner, body in ((west, later), (east, late)):
        moment = door.shop.box.db.moved_clock + scanner.clock_is_off  # type: ignore[operator]
        answer = await scanner.send([body | {"sent_at": moment.isoformat()}])
        assert (answer.status_code, answer.json()[0]["answer"], answer.json()[0]["objection"]) == (
            200,
            "admitted",
            None,
        )
    assert await door.value("SELECT gate FROM entry JOIN device ON device.id = device_id") == "East"
    assert await door.value("SELECT count(*) FROM scan WHERE answer = 'admitted'") == 2
    online = await door.scanner("Main door")
    assert (await online.scan(code))["gate"] == "East"


async def test_what_was_let_in_though_refunded_is_kept_with_our_objection(door: Door) -> None:
    (code,), scanner = await door.tickets(), await door.scanner()
    await door.execute("UPDATE ticket SET status = 'refunded' WHERE code = $1", code)
    assert (await scanner.scan(code, answered="admitted"))["objection"] == "refunded"
    assert await door.value("SELECT count(*) FROM entry") == 1
    assert await door.value("SELECT status FROM ticket WHERE code = $1", code) == "refunded"


async def test_an_undo_that_is_told_of_before_its_scan(door: Door) -> None:
    (code,), scanner = await door.tickets(), await door.scanner()
    body = scanner.body(code, answered="admitted")
    await scanner.undo(body["nonce"])
    assert (await scanner.send(body)).json()["answer"] == "admitted"
    assert await door.value("SELECT count(*) FROM entry") == 0
    assert (await scanner.scan(code))["answer"] == "admitted"


async def test_the_same_batch_twice_changes_nothing(door: Door) -> None:
    codes, scanner = await door.tickets(3), await door.scanner()
    batch = [scanner.body(code, answered="admitted") for code in (*codes, codes[0])]
    first, second = await scanner.send(batch), await scanner.send(batch)
    assert first.json() == second.json()
    assert await door.value("SELECT (SELECT count(*) FROM scan), (SELECT count(*) FROM entry)") is not None
    assert (await door.value("SELECT count(*) FROM scan"), await door.value("SELECT count(*) FROM entry")) == (4, 3)


@pytest.mark.parametrize(
    "changes",
    [
        {"nonce": "short"},
        {"nonce": "with a blank in it"},
        {"nonce": "with-a-line-end\n"},
        {"nonce": None},
        {"scanned_at": "yesterday"},
        {"scanned_at": "2026-11-28T22:00:00"},
        {"device": "main door"},
        {"code": 7},
        {"payload": "A", "code": "B"},
        {"code": "A" * 9000},
        {"answered": "let in"},
        {"answered": "undone"},
        {"override": ""},
        {"direction": "up"},
        {"more": 1},
        {"undo": {"nonce": "12345678", "reason": "x"}},
    ],
)
async def test_a_scan_that_cannot_be_meant_is_refused(door: Door, changes: dict[str, object]) -> None:
    scanner = await door.scanner()
    answer = await scanner.send(scanner.body("ABCD-EFGH") | changes)
    assert (answer.status_code, answer.json()["type"]) == (422, "unprocessable")
    assert await door.value("SELECT count(*) FROM scan") == 0


@pytest.mark.parametrize("content", [b"", b"{", b"\xff", b"[" * 5000])
async def test_what_is_no_json_is_refused(door: Door, content: bytes) -> None:
    scanner = await door.scanner()
    answer = await door.shop.web.post(SCANS, content=content, headers=scanner.headers)
    assert (answer.status_code, answer.json()["type"]) == (400, "broken_json")


@pytest.mark.parametrize("body", [b"7", b"null", b'"x"', b"[7]", b"{}", b"[[]]"])
async def test_other_json_is_refused_too(door: Door, body: bytes) -> None:
    scanner = await door.scanner()
    answer = await door.shop.web.post(SCANS, content=body, headers=scanner.headers)
    assert (answer.status_code, answer.json()["type"]) == (422, "unprocessable")


async def test_a_clock_of_1970_is_put_right(door: Door) -> None:
    (code,), scanner = await door.tickets(), await door.scanner()
    body = scanner.body(code, scanned_at="1970-01-01T00:00:09Z", sent_at="1970-01-01T00:01:09Z", answered="admitted")
    assert (await scanner.send(body)).json()["answer"] == "admitted"
    entered = await door.value("SELECT entered_at FROM entry")
    assert entered == door.shop.box.db.moved_clock - timedelta(minutes=1)  # type: ignore[operator]


async def test_scans_are_never_changed(door: Door) -> None:
    (code,), scanner = await door.tickets(), await door.scanner()
    await scanner.scan(code)
    for sql in ("UPDATE scan SET answer = 'unknown'", "DELETE FROM scan"):
        with pytest.raises(Exception, match="a scan is never changed"):
            await door.execute(sql)


async def test_whatever_is_typed_as_a_reason_no_scan_is_lost_and_none_beside_it(door: Door) -> None:
    """A reason with NUL is nothing that the database holds; scans of other doors are written in the same statement."""
    (code, other), boss = await door.tickets(2), await door.scanner("Main door", "supervisor")
    await boss.scan(code)
    bodies = [boss.body(code, override="two of\0them"), boss.body(other)]
    bodies += [{name: text for name, text in boss.body("").items() if name != "code"}]
    bodies[2]["undo"] = {"nonce": bodies[1]["nonce"], "reason": "\0"}
    told = await boss.send(bodies)
    assert [one["answer"] for one in told.json()] == ["admitted", "admitted", "undone"]
    assert await door.value("SELECT count(*) FROM scan WHERE reason IN ('two of\ufffdthem', '\ufffd')") == 2
