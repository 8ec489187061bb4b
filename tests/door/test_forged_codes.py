"""Forged and altered QR codes: none is taken for a ticket, and of those that rotate none for one of now."""

import random
from base64 import b32decode, b32encode
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from boxoffice.door.read import Reader
from boxoffice.foundation.ids import ALPHABET
from boxoffice.tickets.code import PAYLOAD_LENGTH, ReadPayload, read_payload, step_of
from tests.conftest import Amount
from tests.door.conftest import Door
from tests.door.test_scan import payload_of

NOW = datetime(2026, 12, 4, 23, 0, 7, tzinfo=UTC)
BASE32 = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"


@pytest.mark.slow
async def test_no_forged_code_is_read_as_a_ticket(door: Door, amount: Amount) -> None:
    forgeries = amount(20_000, soak=1_000_000)
    assert await taken_by_us(door, forgeries) == []
    amount.show(f"{forgeries} forged or altered codes: 0 taken")


async def test_an_unchecked_signature_would_let_them_in(door: Door, monkeypatch: pytest.MonkeyPatch) -> None:
    """The negative control of the test above: these codes are refused for their signature and nothing else."""
    monkeypatch.setattr(ReadPayload, "genuine", lambda _payload, _public_key: True)
    assert len(await taken_by_us(door, 200)) > 40


async def taken_by_us(door: Door, number: int) -> list[str]:
    """Those of so many forged codes that are read as a ticket of the night."""
    genuine = [await payload_of(door, code) for code in await door.tickets(10)]
    event_code = await door.value("SELECT short_code FROM event")
    reader = Reader(door.event_id, event_code)
    taken: list[str] = []
    async with door.shop.box.db.transaction() as connection:
        for text in genuine:
            assert (await reader.read(connection, text)) is not None
        for text in forged(number, genuine):
            shown = await reader.read(connection, text)
            if shown is not None and shown.event_code == event_code and shown.code is None:
                taken.append(text)
    return taken


def forged(number: int, genuine: list[str]) -> Iterator[str]:
    """So many codes of every kind of forgery."""
    chance, key = random.Random(20), Ed25519PrivateKey.generate()
    kinds = (_letter_changed, _parts_of_two, _signed_by_a_stranger, _made_up, _cut_or_longer)
    for place in range(number):
        text = kinds[place % len(kinds)](chance, genuine, key)
        while text in genuine:
            text = _letter_changed(chance, genuine, key)
        yield text


@pytest.mark.slow
async def test_no_altered_rotating_code_is_of_now(door: Door, amount: Amount) -> None:
    codes = await door.tickets(10)
    made = [await door.rotating(code) for code in codes]
    genuine = {one.text_at(NOW) for one in made}
    old = [one.text_at(NOW - timedelta(seconds=seconds)) for one in made for seconds in (90, 600, 11.4 * 86400)]
    event_code = await door.value("SELECT short_code FROM event")
    reader = Reader(door.event_id, event_code)
    chance, fresh = random.Random(21), list(genuine)
    kinds = (_letter_changed, _parts_of_old_and_new, _proof_made_up, _made_up)
    tries, taken = amount(20_000, soak=1_000_000), []
    async with door.shop.box.db.transaction() as connection:
        for text in genuine:
            shown = await reader.read(connection, text)
            assert shown is not None
            assert shown.is_fresh(NOW)
        for text in old:
            shown = await reader.read(connection, text)
            assert shown is not None
            assert shown.is_fresh(NOW) is False
        for number in range(tries):
            text = kinds[number % len(kinds)](chance, [*fresh, *old] if number % 4 == 1 else fresh, None)  # type: ignore[arg-type]
            shown = await reader.read(connection, text)
            if text in genuine or shown is None or shown.event_code != event_code or shown.code is not None:
                continue
            if shown.is_fresh(NOW) is not False:
                taken.append(text)
    assert taken == []
    amount.show(f"{tries} altered rotating codes: 0 taken for one of now")


def _parts_of_old_and_new(chance: random.Random, texts: list[str], _key: object) -> str:
    """What is fixed of one ticket's code, and what changes of another's, or of the same one's earlier code."""
    one, other = chance.sample(texts, 2)
    cut = chance.choice((139, 140, 142, 143))
    return one[:cut] + other[cut:]


def _proof_made_up(chance: random.Random, texts: list[str], _key: object) -> str:
    fixed = b32decode(chance.choice(texts))[:87]
    step = step_of(NOW + timedelta(seconds=chance.randrange(-75, 75)))
    return b32encode(fixed + step.to_bytes(8, "big")[-2:] + chance.randbytes(6)).decode()


def _letter_changed(chance: random.Random, genuine: list[str], _key: Ed25519PrivateKey) -> str:
    text = list(chance.choice(genuine))
    for _ in range(chance.choice((1, 1, 1, 2, 5))):
        text[chance.randrange(len(text))] = chance.choice(BASE32)
    return "".join(text)


def _parts_of_two(chance: random.Random, genuine: list[str], _key: Ed25519PrivateKey) -> str:
    one, other = chance.sample(genuine, 2)
    cut = chance.randrange(1, PAYLOAD_LENGTH)
    return one[:cut] + other[cut:]


def _signed_by_a_stranger(chance: random.Random, genuine: list[str], key: Ed25519PrivateKey) -> str:
    """A ticket that exists, or another id, or a later revision, under a key of the forger's own."""
    parts = read_payload(chance.choice(genuine))
    assert parts is not None
    signed = bytearray(parts.signed)
    if chance.random() < 0.5:
        signed[5:21] = uuid4().bytes
    signed[22] = chance.randrange(256)
    signed[4] = chance.choice((parts.key_number, chance.randrange(256)))
    return b32encode(bytes(signed) + key.sign(bytes(signed))).decode().rstrip("=")


def _made_up(chance: random.Random, _genuine: list[str], _key: Ed25519PrivateKey) -> str:
    alphabet = chance.choice((BASE32, ALPHABET))
    return "".join(chance.choice(alphabet) for _ in range(PAYLOAD_LENGTH))


def _cut_or_longer(chance: random.Random, genuine: list[str], _key: Ed25519PrivateKey) -> str:
    text = chance.choice(genuine)
    return chance.choice((text[:-1], text + chance.choice(BASE32), text[1:], text[::-1], text + text))
