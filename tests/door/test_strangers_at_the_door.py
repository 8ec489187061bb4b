"""Every address that a scanner's token opens, as the OpenAPI document lists them: to nobody else, and of one night."""

from uuid import UUID, uuid4

from boxoffice.door.device import make_link, revoke
from tests.door.conftest import Door, Scanner
from tests.door.seller import Seller, seller_at
from tests.nights import NIGHT, load
from tests.shop import SLUG, Json

OTHER = "tiefdruck-zwei"
ROWS = """
SELECT json_build_array((SELECT count(*) FROM scan), (SELECT count(*) FROM entry), (SELECT count(*) FROM orders),
  (SELECT count(*) FROM door_sale), (SELECT count(*) FROM cash_up WHERE closed_at IS NOT NULL),
  (SELECT count(*) FROM ticket WHERE status <> 'active'))::text
"""


async def of_scanners(door: Door) -> list[tuple[str, str]]:
    """Method and path of everything that asks for a scanner's token; what ends its sale comes last."""
    document: Json = (await door.shop.web.get("/api/openapi.json")).json()
    found = [
        (method, path)
        for path, operations in document["paths"].items()
        for method, operation in operations.items()
        if operation.get("security") == [{"scanner": []}]
    ]
    return sorted(found, key=lambda one: one[1].endswith("closing"))


def body_of(path: str, seller: Seller, code: str, device: str) -> Json:
    """What is taken there from a scanner that may."""
    if path.endswith("/scans"):
        return seller.scanner.body(code) | {"device": device}
    if path.endswith("/sales"):
        return seller.body()
    return {"till": {"float": 20_000}, "closing": {"counted": 20_000}, "void": {"reason": "Too many"}}[
        path.rsplit("/", maxsplit=1)[-1]
    ]


async def asked(door: Door, seller: Seller, token: str, device: str, code: str, sale: str) -> dict[str, int]:
    """What is answered to a token at each of them."""
    statuses: dict[str, int] = {}
    for method, path in await of_scanners(door):
        address = path.replace("{slug}", SLUG).replace("{nonce}", sale)
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        body = None if method == "get" else body_of(path, seller, code, device)
        answer = await door.shop.web.request(method, address, json=body, headers=headers)
        statuses[f"{method} {path.removeprefix('/api/v1/events/{slug}')}"] = answer.status_code
    return statuses


async def of_another_night(door: Door) -> Scanner:
    opened, door.shop.box.db.moved_clock = door.shop.box.db.moved_clock, None
    await load(door.shop.box.db, NIGHT.replace(SLUG, OTHER).replace("Tiefdruck Eins", "Tiefdruck Zwei"))
    door.shop.box.db.moved_clock = opened
    event_id = UUID(str(await door.value("SELECT id FROM event WHERE slug = $1", OTHER)))
    async with door.shop.box.db.transaction() as connection:
        made = await make_link(connection, door.shop.box.settings.secret_key, event_id, "Main door", sells=True)
    body = {"link": made.link, "pin": made.pin}
    paired = (await door.shop.web.post(f"/api/v1/events/{OTHER}/door/pairings", json=body)).json()
    return Scanner(door.shop, paired["device_id"], paired["token"])


async def test_a_scanners_addresses_are_open_to_it_and_to_nobody_else(door: Door) -> None:
    (code,), seller = await door.tickets(), await seller_at(door)
    mine, other, stolen = seller.scanner, await of_another_night(door), await door.scanner("Lost", sells=True)
    made = await door.link(sells=True)
    sale = (await seller.sell())["nonce"]
    async with door.shop.box.db.transaction() as connection:
        assert await revoke(connection, door.event_id, UUID(stolen.id))
    before = await door.value(ROWS)
    strangers = {
        "no token": ("", mine.id),
        "a made up one": ("x" * 43, mine.id),
        "a link that nobody has paired": (made.link, str(made.device_id)),
        "another night's scanner": (other.token, other.id),
        "another night's scanner, in this one's name": (other.token, mine.id),
        "a scanner that was taken out of service": (stolen.token, stolen.id),
    }
    for who, (token, device) in strangers.items():
        expected = 403 if who.endswith("service") else 401
        statuses = await asked(door, seller, token, device, code, sale)
        assert set(statuses.values()) == {expected}, (who, statuses)
    assert await door.value(ROWS) == before
    statuses = await asked(door, seller, mine.token, mine.id, code, sale)
    assert set(statuses.values()) == {200}, statuses
    assert len(statuses) >= 7


async def test_a_scanner_knows_of_buyers_what_a_door_needs(door: Door) -> None:
    """Names and codes, which are on the tickets; no address, no amount, nothing of how they paid."""
    await door.tickets(2)
    scanner = await door.scanner()
    told = await scanner.sync()
    assert {name for ticket in told["tickets"] for name in ticket} == {
        *("id", "code", "revision", "status", "holder", "order_code", "ticket_type", "used_at", "gate", "old_codes"),
        "inside",
    }
    everything = str(told) + str(await scanner.scan(str(uuid4())))
    for words in ("@", "example.org", "price", "amount", "card"):
        assert words not in everything
