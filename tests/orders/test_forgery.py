"""Forged deliveries: whatever is sent to the webhook's address without Stripe's signature of these very bytes at this
time is 400 (or 413), and nothing is written.

Most go into the application without a network, 2,000 in CI and 100,000 with `--soak`; some over real HTTP.
"""

import asyncio
import hashlib
import hmac
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from random import Random
from typing import Any, cast

import httpx
import msgspec
import pytest
import stripe

from boxoffice.app import create_app
from boxoffice.foundation.db import Database
from tests.conftest import Amount
from tests.orders.test_webhook import deliver, events_of
from tests.shop import WEBHOOK_SECRET, Json, Shop

AT_ONCE = 8
TABLES = "SELECT relname FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace ORDER BY 1"
ORDER = "SELECT row_to_json(orders)::text || row_to_json(stock)::text FROM orders, stock ORDER BY stock.id"


@dataclass(frozen=True, slots=True)
class Delivery:
    """What is posted."""

    body: bytes
    header: str | None


def signed(body: bytes, at: int, secret: str = WEBHOOK_SECRET, scheme: str = "v1") -> str:
    """A header made by the rule itself: HMAC-SHA256 of time, point and body."""
    mac = hmac.new(secret.encode(), str(at).encode() + b"." + body, hashlib.sha256).hexdigest()
    return f"t={at},{scheme}={mac}"


def _other_byte(random: Random, data: bytes) -> bytes:
    place = random.randrange(len(data))
    return data[:place] + bytes([data[place] ^ random.randint(1, 255)]) + data[place + 1 :]


def signature_byte(random: Random, body: bytes, now: int) -> Delivery:
    header = signed(body, now)
    place = random.randrange(header.index("v1=") + 3, len(header))
    other = random.choice([letter for letter in "0123456789abcdefXZ-. " if letter != header[place]])
    return Delivery(body, header[:place] + other + header[place + 1 :])


def signature_cut(random: Random, body: bytes, now: int) -> Delivery:
    return Delivery(body, signed(body, now)[: -random.randint(1, 64)])


def other_time(random: Random, body: bytes, now: int) -> Delivery:
    shift = random.choice([-1, 1, -299, 299, 86_400, 10**9, 10**18])
    return Delivery(body, signed(body, now).replace(f"t={now}", f"t={now + shift}"))


def body_byte(random: Random, body: bytes, now: int) -> Delivery:
    return Delivery(_other_byte(random, body), signed(body, now))


def body_longer_or_shorter(random: Random, body: bytes, now: int) -> Delivery:
    changed = random.choice([body[: random.randrange(len(body))], body + b" ", body * 2, b"", b"\xef\xbb\xbf" + body])
    return Delivery(changed, signed(body, now))


def other_amount(_random: Random, body: bytes, now: int) -> Delivery:
    return Delivery(body.replace(b'"amount_total":1200', b'"amount_total":1'), signed(body, now))


def wrong_secret(random: Random, body: bytes, now: int) -> Delivery:
    guessed = random.choice(["whsec_", "", WEBHOOK_SECRET[:-1], WEBHOOK_SECRET + "x", WEBHOOK_SECRET.upper()])
    return Delivery(body, signed(body, now, guessed))


def other_scheme(random: Random, body: bytes, now: int) -> Delivery:
    return Delivery(body, signed(body, now, scheme=random.choice(["v0", "v2", "V1", "v1 ", "", "v11"])))


def several_v1(random: Random, body: bytes, now: int) -> Delivery:
    false = [hashlib.sha256(random.randbytes(8)).hexdigest() for _ in range(random.randint(2, 200))]
    return Delivery(body, f"t={now}," + ",".join(f"v1={one}" for one in false))


def old(random: Random, body: bytes, now: int) -> Delivery:
    return Delivery(body, signed(body, now - random.choice([310, 600, 3_600, 86_400, now])))


def header_junk(random: Random, body: bytes, now: int) -> Delivery:
    mac = signed(body, now).split("v1=")[1]
    junk = ["", ",", "=", "t=", "v1=", f"t={now}", f"v1={mac}", f"t=now,v1={mac}", f"t={now};v1={mac}", f"t=,v1={mac}"]
    junk += [f"t={now}.0,v1={mac}", f"t=-{now},v1={mac}", f"t={now},v1={mac[::-1]}", f"t={now + 1},t={now},v1={mac}"]
    junk += ["t=1e9,v1=" + mac, "t=" + "9" * 5_000 + ",v1=" + mac, f"t={now},v1=" + "\x7f" * 64, f"={now},=" + mac]
    return Delivery(body, random.choice([*junk, None]))  # type: ignore[list-item]


def huge_header(random: Random, body: bytes, now: int) -> Delivery:
    return Delivery(body, f"t={now}," + "v1=" + "0" * random.randint(10_000, 60_000))


def huge_body(random: Random, body: bytes, now: int) -> Delivery:
    large = body + b" " * random.choice([1_000_001 - len(body), 999_000 - len(body)])
    return Delivery(large, signed(body, now))


def signed_by_us_but_no_event(random: Random, body: bytes, now: int) -> Delivery:
    """Somebody who knows the secret, or a fault at Stripe's: still nothing that may be written."""
    cut = body[: random.randrange(len(body) - 1)]
    texts = [
        cut,
        b"",
        b"[]",
        b"null",
        b"\xff\xfe",
        b"{" * 5_000,
        b"[" * 100_000,
        b'{"id": "evt_1"}',
        b'"evt"',
        b"1e999",
    ]
    texts += [body.replace(b'"id":"evt_', b'"id":"evt\\u0000_', 1), body.replace(b'"id":"evt_', b'"id":"', 1)[:-1]]
    texts += [b'{"id":1,"type":2,"livemode":false,"data":{"object":{}}}', b'{"id":"evt_1","data":{"object":null}}']
    chosen = random.choice(texts)
    return Delivery(chosen, signed(chosen, now))


def other_mode(_random: Random, body: bytes, now: int) -> Delivery:
    """Signed with our secret, and live: nothing is written for it on a box office in test mode."""
    live = body.replace(b'"livemode":false', b'"livemode":true')
    return Delivery(live, signed(live, now))


Forge = Callable[[Random, bytes, int], Delivery]
FORGES: tuple[Forge, ...] = (
    *(signature_byte, signature_cut, other_time, body_byte, body_longer_or_shorter, other_amount, wrong_secret),
    *(other_scheme, several_v1, old, header_junk, huge_header, signed_by_us_but_no_event, other_mode),
)


async def post_all(web: httpx.AsyncClient, forged: list[Delivery]) -> Counter[int]:
    """How many were answered with which status."""
    statuses: Counter[int] = Counter()
    waiting = iter(forged)

    async def post_some() -> None:
        for one in waiting:
            headers = {} if one.header is None else {"Stripe-Signature": one.header}
            answer = await web.post("/api/webhook", content=one.body, headers=headers)
            statuses[answer.status_code] += 1
            assert answer.status_code in (400, 413, 431), (one.header, one.body[:200], answer.text)
            assert len(answer.content) < 1_000  # no detail of ours, and nothing that comes back

    await asyncio.gather(*(post_some() for _ in range(AT_ONCE)))
    return statuses


async def written(db: Database) -> tuple[object, ...]:
    """How many rows every table has, and what the order and the stock are like."""
    async with db.transaction() as connection:
        tables = [str(row[0]) for row in await connection.fetch(TABLES)]
        rows = {table: await connection.fetchval(f"SELECT count(*) FROM {table}") for table in tables}
        return rows, [tuple(row) for row in await connection.fetch(ORDER)]


@pytest.fixture
async def body(shop: Shop) -> bytes:
    """What Stripe says when an order of 12.00 is paid, which this box office has not heard."""
    await shop.listen("customer.created")  # nothing is delivered, now or again later
    await shop.pay(await shop.ordered())
    (body,) = await events_of(shop, "checkout.session.completed")
    assert b'"amount_total":1200' in body
    return body


@pytest.mark.slow
async def test_no_forged_delivery_is_accepted_and_none_writes_anything(
    shop: Shop, db: Database, body: bytes, amount: Amount
) -> None:
    random = Random(20261124)
    before = await written(db)
    transport = httpx.ASGITransport(app=cast("Any", create_app(shop.box)), raise_app_exceptions=False)
    statuses: Counter[int] = Counter()
    began = time.monotonic()
    async with httpx.AsyncClient(transport=transport, base_url=shop.url) as inside:
        for _ in range(amount(4, soak=200)):
            now = int(time.time())
            statuses += await post_all(inside, [random.choice(FORGES)(random, body, now) for _ in range(500)])
    statuses += await post_all(shop.web, [huge_body(random, body, int(time.time())) for _ in range(4)])
    amount.show(f"{statuses.total()} forged deliveries in {time.monotonic() - began:.0f} s: {dict(statuses)}")
    assert await written(db) == before
    assert (await deliver(shop, body))[0] == 200  # the genuine one is


@pytest.mark.parametrize("forge", FORGES, ids=lambda forge: forge.__name__)
async def test_each_kind_over_real_http(shop: Shop, db: Database, body: bytes, forge: Forge) -> None:
    random = Random(forge.__name__)
    before = await written(db)
    forged = [one for one in (forge(random, body, int(time.time())) for _ in range(25)) if _can_be_sent(one.header)]
    await post_all(shop.web, forged)
    assert forged
    assert await written(db) == before


def _can_be_sent(header: str | None) -> bool:
    return header is None or (header.isprintable() and header == header.strip())


async def test_another_accounts_event_is_written_down_and_left_alone(shop: Shop, db: Database, body: bytes) -> None:
    """It is signed by our endpoint's secret (a Connect endpoint hears such), so it is kept as evidence."""
    event: Json = msgspec.json.decode(body)
    orders = (await written(db))[1]
    assert (await deliver(shop, msgspec.json.encode(event | {"account": "acct_somebody_else"})))[0] == 200
    assert (await written(db))[1] == orders
    assert await shop.count("ticket") == 0


async def test_the_same_bytes_six_minutes_later_are_refused(shop: Shop, body: bytes) -> None:
    header = signed(body, int(time.time()) - 301)
    assert (await shop.web.post("/api/webhook", content=body, headers={"Stripe-Signature": header})).status_code == 400
    assert await shop.count("stripe_event") == 0


async def test_an_unchecked_signature_would_let_them_in(
    shop: Shop, body: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The negative control."""
    monkeypatch.setattr(stripe.WebhookSignature, "verify_header", lambda *_: True)
    with pytest.raises(AssertionError):
        await post_all(shop.web, [signature_byte(Random(1), body, int(time.time()))])
    assert await shop.count("ticket") == 1
