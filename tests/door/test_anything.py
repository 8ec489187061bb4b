"""Any text and any JSON at a door: a clear answer, never a crash, and nobody comes in."""

import json
import random
from typing import Any

import pytest

from tests.conftest import Amount
from tests.door.conftest import SCANS, Door

ODD = "\0\x1f\x7f\u00ad\u200b\u202e\u2066\ufeff\uffff\N{PILE OF POO}ßİ٣٤漢字é*~$=/\\'\"<&%{}[]:,;"
CLEAR = {200, 400, 401, 403, 422}
"""Answered; no JSON; no scanner; for supervisors; cannot be meant."""


def any_text(chance: random.Random, genuine: str) -> str:
    """Odd letters, letters of codes, a part of a code, something long, or the name of a thing that is no ticket."""
    letters = chance.choice((ODD, "ABCDEFGHJKMNPQRSTVWXYZ0123456789 -", genuine, f"{ODD}{genuine}"))
    text = "".join(chance.choices(letters, k=chance.choice((0, 1, 7, 11, 12, 13, 140, 152, 400, 4_000))))
    start = chance.randrange(len(genuine))
    parts = (text, genuine[start:], genuine[:start], "https://example.org/win?code=", '{"ticketId": 7}', "NULL", "-1")
    return chance.choice(parts)


def any_json(chance: random.Random, depth: int = 3) -> Any:
    """A value of any kind."""
    kinds = ["text", "number", "word", *(["list", "object"] if depth else [])]
    match chance.choice(kinds):
        case "text":
            return "".join(chance.choices(ODD, k=chance.randrange(6)))
        case "number":
            return chance.choice((0, -1, 1e308, 2**63, -(2**80), 0.1, 10**30))
        case "word":
            return chance.choice((None, True, False))
        case "list":
            return [any_json(chance, depth - 1) for _ in range(chance.randrange(3))]
        case _:
            return {any_text(chance, "device")[:9]: any_json(chance, depth - 1) for _ in range(chance.randrange(3))}


async def test_any_text_is_answered_and_opens_nothing(door: Door, amount: Amount) -> None:
    (code,), scanner = await door.tickets(), await door.scanner()
    genuine, texts = await door.payload(code), amount(300, soak=5_000)
    chance = random.Random(1)
    for _ in range(texts):
        text = any_text(chance, genuine)
        read = chance.choice(("payload", "code"))
        body = {name: value for name, value in scanner.body("").items() if name != "code"} | {read: text}
        answer = await scanner.send(body)
        assert answer.status_code == 200, (text, answer.text)
        assert text.strip() == genuine or answer.json()["answer"] in ("unknown", "wrong_event"), text
    assert await door.value("SELECT count(*) FROM scan") == texts
    amount.show(f"{texts} texts: every one answered, none let in")


async def test_any_json_gets_a_clear_answer_and_changes_nothing(door: Door, amount: Amount) -> None:
    (code,), scanner = await door.tickets(), await door.scanner()
    bodies = amount(600, soak=10_000)
    chance, statuses = random.Random(2), dict.fromkeys(CLEAR, 0)
    good = scanner.body("no ticket", answered="unknown", direction="in", override="a reason", found=True)
    names = [*good, "undo", "told_by", "sent_at", "payload"]
    for _ in range(bodies):
        body: Any = scanner.body(chance.choice(("no ticket", code[:-1])))
        for name in chance.sample(names, chance.randrange(1, 4)):
            body[name] = any_json(chance)
        body = chance.choice((body, [body], [body, any_json(chance)], any_json(chance)))
        content = json.dumps(body).encode()
        cut = chance.randrange(len(content) + 1) if chance.random() < 0.1 else len(content)
        answer = await door.shop.web.post(SCANS, content=content[:cut], headers=scanner.headers)
        assert answer.status_code in CLEAR, (body, answer.text)
        assert answer.status_code == 200 or answer.json()["detail"], body
        statuses[answer.status_code] += 1
    assert statuses[422] > statuses[400] > 0
    assert await door.value("SELECT count(*) FROM entry") == 0
    assert await door.value("SELECT count(*) FROM ticket WHERE status <> 'active'") == 0
    amount.show(f"{bodies} bodies: {statuses}, nobody let in")


@pytest.mark.parametrize("path", ["door/pairings", "door/till", "door/till/closing", "door/sales"])
async def test_any_json_at_the_doors_other_addresses(door: Door, amount: Amount, path: str) -> None:
    scanner, chance = await door.scanner(sells=True), random.Random(3)
    address = SCANS.replace("scans", path)
    for _ in range(amount(80, soak=2_000)):
        names = ("link", "pin", "device_at", "float", "counted", "nonce", "ticket_type", "quantity", "price", "paid_by")
        body = {name: any_json(chance) for name in chance.sample(names, chance.randrange(len(names)))}
        content = json.dumps(chance.choice((body, any_json(chance)))).encode()
        answer = await door.shop.web.post(address, content=content, headers=scanner.headers)
        assert answer.status_code in {403, 404, 409, 422}, (body, answer.text)
        assert answer.json()["detail"]
    assert await door.value("SELECT count(*) FROM door_sale") == 0
