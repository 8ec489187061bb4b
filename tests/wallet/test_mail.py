"""The mail with the tickets leads to both wallets, by text and by HTML, without signing in."""

import re
from dataclasses import replace

from boxoffice.edge.render import path_part
from boxoffice.foundation.jobs import enqueue
from boxoffice.orders.order import OrderView
from tests.wallet.conftest import BASE, House
from tests.wallet.reading import unpacked, unpacked_bundle
from tests.web.cast import paid
from tests.web.test_transfer import ADA, accept, mails_to, send


async def mailed(house: House, view: OrderView) -> tuple[str, str]:
    """Text and HTML of the order's mail."""
    async with house.box.db.transaction() as connection:
        arguments = {"event_id": str(view.order.event_id), "order_id": str(view.order.id)}
        await enqueue(connection, "mail_tickets", str(view.order.id), arguments)
    await house.work()
    async with house.box.db.transaction() as connection:
        (mail,) = await connection.fetch("SELECT text, html FROM mailbox_message")
    return str(mail["text"]), str(mail["html"])


def link_of(text: str, words: str) -> str:
    """The address on the line after these words."""
    lines = text.splitlines()
    return lines[lines.index(f"{words}:") + 1]


async def test_its_links_open_the_passes(house: House) -> None:
    text, html = await mailed(house, await paid(house.box, quantity=2))
    apple, google = link_of(text, "Add to Apple Wallet"), link_of(text, "Save to Google Wallet")
    for link, words in ((apple, "Add to Apple Wallet"), (google, "Save to Google Wallet")):
        assert link.startswith(f"{BASE}/orders/")
        assert f'href="{link}"' in html
        assert words in html
    answer = await house.phone.get(apple, follow_redirects=True)
    assert len(unpacked_bundle(answer.content)) == 2
    there = await house.phone.get(google)
    assert (await house.phone.get(there.headers["location"])).headers["location"].startswith("https://pay.google.com/")


async def test_what_does_not_go_at_once_is_left_to_the_orders_page(house: House) -> None:
    text, _ = await mailed(house, await paid(house.box, quantity=6))
    assert "Apple Wallet" in text
    assert "Google Wallet" not in text


async def sent_on_to_ada(house: House) -> tuple[str, str]:
    """Text and HTML of the mail that brings Ada her ticket."""
    view = await paid(house.box, quantity=1)
    house.enter(view)
    assert (await send(house.browser, path_part(view.tickets[0].code))).status_code == 303
    link = re.findall(rf"{BASE}(/tickets/offers/\S+)", " ".join(await mails_to(house.box, ADA)))[-1]
    assert (await accept(house.browser, link)).status_code == 303
    await house.work()
    async with house.box.db.transaction() as connection:
        (mail,) = await connection.fetch(
            "SELECT text, html FROM mailbox_message WHERE recipient = $1 AND subject LIKE 'Your ticket%'", ADA
        )
    return str(mail["text"]), str(mail["html"])


async def test_a_new_holders_mail_leads_to_wallets_too(house: House) -> None:
    text, html = await sent_on_to_ada(house)
    apple, google = link_of(text, "Add to Apple Wallet"), link_of(text, "Save to Google Wallet")
    assert f'href="{apple}"' in html
    assert f'href="{google}"' in html
    for link in (apple, google):
        wrong = await house.phone.get(link.replace("?t=", "?t=x"))
        assert wrong.status_code == 404
    answer = await house.phone.get(apple, follow_redirects=True)
    assert "?t=" not in str(answer.url)
    assert unpacked(answer.content).values("auxiliaryFields")["holder"] == "Ada Example"
    there = await house.phone.get(google)
    assert (await house.phone.get(there.headers["location"])).headers["location"].startswith("https://pay.google.com/")
    page = (await house.phone.get(apple.partition("/ticket.pkpass")[0])).text
    assert "Add to Apple Wallet" in page
    assert "Save to Google Wallet" in page


async def test_without_keys_a_new_holders_mail_says_nothing_of_wallets(house: House) -> None:
    house.box.settings = replace(house.box.settings, apple_wallet=None, google_wallet=None)
    assert "Wallet" not in "".join(await sent_on_to_ada(house))


async def test_without_keys_it_says_nothing_of_wallets(house: House) -> None:
    house.box.settings = replace(house.box.settings, apple_wallet=None, google_wallet=None)
    text, html = await mailed(house, await paid(house.box, quantity=1))
    assert "Wallet" not in f"{text}{html}"
