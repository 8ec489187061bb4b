"""What a pass shows opens the door: its code, read as a phone shows it, is scanned."""

from dataclasses import replace

import httpx

from boxoffice.edge.render import path_part
from boxoffice.settings import Settings
from tests.conftest import SECRET_KEY
from tests.door.conftest import Door
from tests.plain import NO_TLS
from tests.wallet.keys import apple_environment
from tests.wallet.reading import unpacked


async def test_the_code_of_a_pass_is_admitted_once_and_of_a_refunded_one_never(door: Door) -> None:
    shop = door.shop
    keys = Settings.from_environment(
        {"DATABASE_URL": "postgresql://x/y", "SECRET_KEY": SECRET_KEY} | apple_environment()
    )
    shop.box.settings = replace(shop.box.settings, apple_wallet=keys.apple_wallet)
    opened, shop.box.db.moved_clock = shop.box.db.moved_clock, None
    order = await shop.ordered(2)
    await shop.pay(order)
    shop.box.db.moved_clock = opened
    tickets = (await shop.look(order))["tickets"]
    async with httpx.AsyncClient(base_url=shop.url, timeout=20, verify=NO_TLS) as mara:
        await mara.get(f"/orders/{path_part(order['code'])}?t={order['access_token']}")  # gives the cookie
        passes = [
            unpacked((await mara.get(f"/tickets/{path_part(ticket['code'])}/ticket.pkpass")).content)
            for ticket in tickets
        ]
    scanner = await door.scanner()
    first = await scanner.scan(passes[0].qr_text)
    assert (first["answer"], first["ticket"]["code"]) == ("admitted", tickets[0]["code"])
    assert (await scanner.scan(passes[0].qr_text))["answer"] == "already_used"
    await door.execute(
        "UPDATE ticket SET status = 'refunded', revision = revision + 1 WHERE code = $1", tickets[1]["code"]
    )
    assert (await scanner.scan(passes[1].qr_text))["answer"] in ("refunded", "cancelled")
