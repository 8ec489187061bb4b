"""Every page in every state, on the demo nights: pictures, audits and tests walk through it."""

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal
from urllib.parse import quote
from uuid import UUID

from playwright.async_api import Browser, BrowserContext, Page, Response

from boxoffice.accounts.login import MEET
from boxoffice.accounts.organisation import ORGANISER, add_member
from boxoffice.accounts.sessions import open_session
from boxoffice.box import BoxOffice
from boxoffice.cli import nights
from boxoffice.cli.demo_entries import scan_for_the_demo
from boxoffice.cli.demo_orders import buy_for_the_demo
from boxoffice.door.cash_owed import cash_sales
from boxoffice.door.device import ROLES, make_link, night_of
from boxoffice.door.entry_list import open_now
from boxoffice.foundation.ids import new_id
from boxoffice.guests.guest_list import lists_of, share_token
from boxoffice.orders.order import OrderView
from boxoffice.settings import Settings
from boxoffice.tickets.send_on import accept, decline, offer
from boxoffice.tickets.transfer import offer_token
from tests.notifications.mails import every_mail
from tests.web.cast import (
    MARA,
    again,
    disputed,
    give_back,
    key_of,
    moved,
    paid,
    part_refunded,
    paying,
    place,
    refunded,
    sold_for_cash,
)

Who = Literal["mara", "newcomer", "nobody"]
Act = Callable[[Page], Awaitable[None]]
DEMO = Path(__file__).resolve().parent.parent.parent / "nights" / "demo.toml"
NIGHT, OTHER, CANCELLED, DOOR = "kesselhaus-opening", "dub-club", "donaurauschen", "sub-zero"
MANY = "noor"
NAMES = ("Mara Example", "نور الهدى")
NEWCOMER = "newcomer@example.org"
PEOPLE: tuple[Who, ...] = ("mara", "newcomer", "nobody")


@dataclass(frozen=True, slots=True)
class Window:
    """How large, and whose colours."""

    name: str
    width: int
    height: int
    dark: bool
    sharpness: float = 1


PHONE_DARK, PHONE_LIGHT = (Window(f"phone-{'dark' if dark else 'light'}", 360, 780, dark, 2) for dark in (True, False))
WIDE_DARK, WIDE_LIGHT = (Window(f"wide-{'dark' if dark else 'light'}", 1440, 900, dark) for dark in (True, False))
WINDOWS = (PHONE_DARK, PHONE_LIGHT, WIDE_DARK, WIDE_LIGHT)
SMALL_DARK = replace(PHONE_DARK, width=360, height=640)


@dataclass(frozen=True, slots=True)
class Scene:
    """A page to look at: where it is, who looks, and what they do there first."""

    name: str
    address: str
    who: Who = "mara"
    act: Act | None = None


@dataclass(frozen=True, slots=True)
class Stage:
    """A box office with something in every state, served at `url`."""

    url: str
    scenes: list[Scene]
    cookies: dict[Who, dict[str, str]]

    def scene(self, name: str) -> Scene:
        """The scene of that name."""
        return next(scene for scene in self.scenes if scene.name == name)

    async def walk(self, browser: Browser, window: Window, only: str = "") -> AsyncIterator[tuple[Scene, Page, str]]:
        """Each scene as its page, with the HTML as it was sent."""
        for who in PEOPLE:
            context = await self._enter(browser, window, who)
            page = await context.new_page()
            sent: list[Response] = []
            page.on("response", lambda one, sent=sent: sent.append(one) if _is_page(one) else None)
            for scene in self.scenes:
                if scene.who == who and only in scene.name:
                    await page.goto(self.url + scene.address)
                    if scene.act:
                        await scene.act(page)
                    await page.wait_for_load_state("networkidle")
                    yield scene, page, await sent[-1].text()
                    sent.clear()
            await context.close()

    async def _enter(self, browser: Browser, window: Window, who: Who) -> BrowserContext:
        context = await browser.new_context(
            viewport={"width": window.width, "height": window.height},
            color_scheme="dark" if window.dark else "light",
            device_scale_factor=window.sharpness,
            reduced_motion="reduce",
        )
        cookies = self.cookies.get(who, {})
        await context.add_cookies([{"name": n, "value": v, "url": self.url} for n, v in cookies.items()])
        return context


async def furnish(settings: Settings) -> tuple[BoxOffice, Stage]:
    """Loads the demo nights, places an order in every state, and says where to look at what."""
    await nights.load(settings, DEMO)
    await buy_for_the_demo(settings)
    box = BoxOffice.from_settings(settings)
    done = await paid(box, slug=NIGHT, names=NAMES)
    dead = await paid(box, slug=OTHER, quantity=3)
    off = await paid(box, slug="noor", quantity=1)
    back = await refunded(box, late=False, slug=OTHER, quantity=1, email="back@example.org")
    async with box.db.transaction() as connection:
        used, gone, blocked = (ticket.id for ticket in dead.tickets)
        await connection.execute("UPDATE ticket SET status = 'used' WHERE id = $1", used)
        await connection.execute("UPDATE ticket SET status = 'cancelled' WHERE id = $1", gone)
        await connection.execute("UPDATE ticket SET blocked_reason = 'disputed' WHERE id = $1", blocked)
        entry = str(
            await connection.fetchval(
                "SELECT id FROM ticket_type WHERE event_id = $1 ORDER BY position", done.order.event_id
            )
        )
        slugs = [str(row[0]) for row in await connection.fetch("SELECT slug FROM event ORDER BY starts_at, slug")]
        mara, newcomer = [await MEET.first(connection, new_id(), email) for email in (MARA, NEWCOMER)]
        assert mara is not None
        assert newcomer is not None
        cookies: dict[Who, dict[str, str]] = {
            "mara": {"session": await open_session(connection, mara.id)},
            "newcomer": {"session": await open_session(connection, newcomer.id)},
        }
    orders = {
        "line": await place(box, NIGHT, 1, email="line@example.org"),
        "paying": await paying(box, slug=NIGHT, quantity=2, email="paying@example.org"),
        "settling": await moved(box, "settling", slug=NIGHT, email="settling@example.org"),
        "in-review": await moved(box, "in_review", slug=NIGHT, email="review@example.org"),
        "expired": await moved(box, "expired", slug=NIGHT, quantity=1, email="expired@example.org"),
        "given-up": await moved(box, "released", reason="given_up", slug=NIGHT, email="given-up@example.org"),
        "not-paid": await moved(box, "released", reason="payment_failed", slug=NIGHT, email="not-paid@example.org"),
        "too-late": await refunded(box, late=True, slug=NIGHT, email="late@example.org"),
        "refunded": back,
        "not-confirmed": await _not_confirmed(box),
        "part-refunded": await part_refunded(box, goodwill=False, slug=NIGHT, email="part@example.org"),
        "goodwill": await part_refunded(box, goodwill=True, slug=NIGHT, email="goodwill@example.org"),
        "disputed": await disputed(box, lost=False, slug=NIGHT, email="disputed@example.org"),
        "dispute-lost": await disputed(box, lost=True, slug=NIGHT, quantity=1, email="lost@example.org"),
        **await _of_a_cancelled_night(box),
        "paid": done,
        "paid-many": await paid(box, slug=MANY, quantity=7, email="many@example.org"),
    }
    for view in (*orders.values(), dead, off):
        cookies["mara"] |= key_of(box, view)
    for mail in every_mail("Kesselhaus Opening", NAMES).values():
        await box.mailer.send(mail, new_id())
    rotating = await paid(box, slug=OTHER, quantity=1, names=NAMES)
    offered, gone, offer, declined = await _sent_on(box)
    for view in (rotating, offered, gone):
        cookies["mara"] |= key_of(box, view)
    tickets = {"ticket": done.tickets[0], "ticket-used": dead.tickets[0], "ticket-cancelled": dead.tickets[1]}
    tickets |= {"ticket-blocked": dead.tickets[2], "ticket-refunded": back.tickets[0], "ticket-free": off.tickets[0]}
    tickets["ticket-night-cancelled"] = orders["night-cancelled"].tickets[0]
    url = settings.base_url
    scenes = [
        *(Scene(f"night-{slug}" if slug != NIGHT else "night", f"/events/{slug}") for slug in slugs),
        *_of_the_catalogue(),
        *_of_checkout(entry),
        *(Scene(f"order-{name}", f"/orders/{_part(view)}") for name, view in orders.items()),
        Scene("success", f"/orders/{_part(done)}/success"),
        Scene("success-confirming", f"/orders/{_part(orders['paying'])}/success"),
        Scene("print", f"/orders/{_part(done)}/print"),
        Scene("send", f"/tickets/{quote(done.tickets[0].code, safe='~')}/send"),
        Scene("send-errors", f"/tickets/{quote(done.tickets[0].code, safe='~')}/send", act=_send_wrongly),
        Scene("send-offered", f"/tickets/{quote(offered.tickets[0].code, safe='~')}/send"),
        Scene("send-refused", f"/tickets/{quote(dead.tickets[0].code, safe='~')}/send"),
        Scene("ticket-offered", f"/tickets/{quote(offered.tickets[0].code, safe='~')}"),
        Scene("ticket-sent-on", f"/tickets/{quote(gone.tickets[0].code, safe='~')}"),
        Scene("order-sent-on", f"/orders/{_part(gone)}"),
        Scene("ticket-rotating", f"/tickets/{quote(rotating.tickets[0].code, safe='~')}"),
        Scene("offer", offer, "newcomer"),
        Scene("offer-declined", declined, "nobody"),
        *(Scene(name, f"/tickets/{quote(ticket.code, safe='~')}") for name, ticket in tickets.items()),
        Scene("my-tickets", "/tickets"),
        Scene("my-tickets-empty", "/tickets", "newcomer"),
        *_of_signing_in(),
        *await _of_guests(box),
        *await _of_the_door(box),
        Scene("verify", "/verify", "nobody"),
        Scene("verify-genuine", "/verify", "nobody", _checked(done.tickets[0].code)),
        Scene("verify-not-genuine", "/verify", "nobody", _checked("nonsense")),
        *await _of_organisers(box),
        Scene("problem-404", "/events/nowhere"),
        Scene("problem-not-yours", f"/orders/{_part(done)}", "nobody"),
        Scene("problem-405", "/events/nowhere/orders"),
        Scene("offline", "/tickets/offline"),
        Scene("mailbox", "/dev/mailbox"),
        Scene("mailbox-mail", "/dev/mailbox", act=_open_a_mail),
        Scene("api-docs", "/api/docs", "nobody"),
    ]
    return box, Stage(url, scenes, cookies)


async def _sent_on(box: BoxOffice) -> tuple[OrderView, OrderView, str, str]:
    """Orders of a ticket that is offered to the newcomer and of one that Ada took; where the offer is, and one that was
    declined."""
    offered, gone, kept = [await paid(box, slug=NIGHT, quantity=1, names=(NAMES[0],)) for _ in range(3)]
    async with box.db.transaction() as connection:
        event_id = offered.order.event_id
        waits = await offer(connection, event_id, offered.tickets[0].id, NEWCOMER, "Newcomer Example")
        taken = await offer(connection, event_id, gone.tickets[0].id, "ada@example.org", "Ada Example")
        await accept(connection, event_id, taken)
        unwanted = await offer(connection, event_id, kept.tickets[0].id, "ada@example.org", "Ada Example")
        await decline(connection, event_id, unwanted)
    links = [
        f"/tickets/offers/{event_id}/{one}?t={offer_token(box.settings.secret_key, event_id, one)}"
        for one in (waits, unwanted)
    ]
    return offered, await again(box, gone), links[0], links[1]


async def _not_confirmed(box: BoxOffice) -> OrderView:
    view = await moved(box, "in_review", slug=NIGHT, email="not-confirmed@example.org")
    return await give_back(box, view, "not_confirmed")


async def _of_a_cancelled_night(box: BoxOffice) -> dict[str, OrderView]:
    """Orders of before it was called off: refunded, about to be, and never paid."""
    async with box.db.transaction() as connection:
        reason = await connection.fetchval("SELECT cancelled_reason FROM event WHERE slug = $1", CANCELLED)
        await connection.execute(
            "UPDATE event SET status = 'published', cancelled_reason = '' WHERE slug = $1", CANCELLED
        )
    orders = {
        "night-cancelled": await refunded(
            box, late=False, reason="event_cancelled", slug=CANCELLED, email="a@example.org"
        ),
        "night-cancelled-just-now": await paid(box, slug=CANCELLED, quantity=1, email="b@example.org"),
        "night-cancelled-unpaid": await moved(
            box, "released", reason="event_cancelled", slug=CANCELLED, quantity=1, email="c@example.org"
        ),
    }
    await sold_for_cash(box, CANCELLED, "Lock gate by the canal", (2, ""), (1, MARA), (1, ""), (7, ""))
    async with box.db.transaction() as connection:
        await connection.execute(
            "UPDATE event SET status = 'cancelled', cancelled_reason = $2 WHERE slug = $1", CANCELLED, reason
        )
    return {name: await again(box, view) for name, view in orders.items()}


def _of_the_catalogue() -> list[Scene]:
    return [
        Scene("programme", "/"),
        Scene("past", "/past"),
        Scene("found", "/?q=kesselhaus"),
        Scene("found-city", "/?city=berlin&genre=techno"),
        Scene("found-nearly", "/?q=keselhaus"),
        Scene("found-nothing", "/?q=xqzwvy"),
        Scene("found-nothing-there", "/?city=berlin&date=2031-01"),
        Scene("artist", "/artists/mira-volt"),
        Scene("venue", "/venues/kesselhaus-neun"),
        Scene("night-nothing-chosen", f"/events/{NIGHT}?chosen=nothing"),
    ]


def _of_checkout(entry: str) -> list[Scene]:
    address = f"/events/{NIGHT}/checkout?{entry}="

    async def buy(page: Page) -> None:
        await page.click("button.block")
        await page.wait_for_selector(".errors")

    async def buy_with_a_wrong_code(page: Page) -> None:
        await page.fill("#email", MARA)
        await page.click("text=Promo code")
        await page.fill("#promo_code", "nonsense")
        await buy(page)

    return [
        Scene("checkout", f"{address}2"),
        Scene("checkout-one", f"{address}1"),
        Scene("checkout-errors", f"{address}3", act=buy),
        Scene("checkout-wrong-code", f"{address}2", act=buy_with_a_wrong_code),
    ]


def _of_signing_in() -> list[Scene]:
    async def ask(page: Page, email: str = MARA) -> None:
        await page.fill("#email", email)
        await page.get_by_role("button", name="Send me a code").click()

    async def ask_wrongly(page: Page) -> None:
        await ask(page, "mara@")
        await page.wait_for_selector(".wrong")

    async def type_a_wrong_code(page: Page) -> None:
        await page.goto(page.url)
        await page.evaluate(
            """() => { const form = document.createElement("form"); form.method = "post"; form.action = "/tickets/code";
            for (const [name, value] of [["email", "mara@example.org"], ["code", "1"]]) {
              const field = document.createElement("input"); field.name = name; field.value = value; form.append(field);
            } document.body.append(form); form.submit(); }"""
        )
        await page.wait_for_selector(".wrong")

    async def ask_and_look(page: Page) -> None:
        await ask(page, f"somebody{id(page)}@example.org")
        await page.wait_for_selector("#code")

    return [
        Scene("sign-in", "/tickets", "nobody"),
        Scene("sign-in-wrong", "/tickets", "nobody", ask_wrongly),
        Scene("sign-in-code", "/tickets", "nobody", ask_and_look),
        Scene("sign-in-code-wrong", "/tickets", "nobody", type_a_wrong_code),
        Scene("sign-in-link-nonsense", "/tickets/link?s=nonsense", "nobody"),
    ]


async def _of_the_door(box: BoxOffice) -> list[Scene]:
    async with box.db.transaction() as connection:
        night = await night_of(connection, DOOR)
        link, other = [
            await make_link(connection, box.settings.secret_key, night.id, "Main door", role=role)
            for role in ROLES[::-1]
        ]
        counted, uncounted = [
            await make_link(connection, box.settings.secret_key, night.id, "Box office", sells=True) for _ in range(2)
        ]
        await open_now(connection, night.id)
        await connection.execute(
            """UPDATE stock SET cap = cap + 500, closed = false WHERE event_id = $1 AND id NOT IN (
            SELECT stock_id FROM release JOIN guest_list ON guest_list.id = ticket_type_id)""",
            night.id,
        )
        tickets = await connection.fetch(
            """SELECT code, id FROM ticket WHERE event_id = $1 AND status = 'active'
            AND order_id NOT IN (SELECT order_id FROM guest) ORDER BY code LIMIT 3""",
            night.id,
        )
        good, in_before, sent_on = [str(row["code"]) for row in tickets]
        taken = await offer(connection, night.id, UUID(str(tickets[2]["id"])), "ada@example.org", "Ada Example")
        await accept(connection, night.id, taken)

    async def type_wrong_pin(page: Page) -> None:
        await page.fill("#pin", "wrong")
        await page.click("button")
        await page.wait_for_selector("[role=alert]")

    async def pair(page: Page) -> None:
        await page.fill("#pin", link.pin)
        await page.click("button")
        await page.wait_for_selector(".network.is-on")

    def scanned(*codes: str) -> Act:
        async def act(page: Page) -> None:
            await pair(page)
            for code in codes:
                await page.keyboard.press("Escape")
                await page.fill("#code", code)
                await page.click("text=Check")
                await page.wait_for_selector("#result:not([hidden])")

        return act

    async def override(page: Page) -> None:
        await scanned(in_before, in_before)(page)
        await page.click("#result button:has-text('Let in anyway')")

    async def insist(page: Page) -> None:
        await override(page)
        await page.click("#why [value=yes]")
        await page.wait_for_selector("#result[data-answer=admitted]:not([hidden])")

    address = f"/door/{DOOR}/{link.link}"
    return [
        Scene("door-way", "/door", "nobody"),
        Scene("door-pair", address),
        Scene("door-pair-wrong", f"/door/{DOOR}/{other.link}", act=type_wrong_pin),
        Scene("door-not-paired", f"/door/{DOOR}", "nobody"),
        Scene("door", address, act=pair),
        Scene("door-unknown", address, act=scanned("nonsense")),
        Scene("door-already-used", address, act=scanned(in_before, in_before)),
        Scene("door-sent-on", address, act=scanned(sent_on)),
        Scene("door-override", address, act=override),
        Scene("door-admitted", address, act=insist),
        Scene("door-found", address, act=_found(pair, good)),
        Scene("door-found-guests", address, act=_found(pair, "tonspur")),
        Scene("door-guest", address, act=_found(pair, "anna", comes_in=True)),
        Scene("door-sell-float", f"/door/{DOOR}/{uncounted.link}", act=_opens_till(uncounted.pin)),
        *(
            Scene(f"door-sell{name}", f"/door/{DOOR}/{counted.link}", act=_sells(counted.pin, *steps))
            for name, steps in {"": (), "-done": SOLD, "-box": (*SOLD, *BOX), "-card": CARD}.items()
        ),
    ]


SOLD = (("#sell-cash", "#sell-done"),)
CARD = (("#sell-card", "#sell-wait"),)
BOX = (("#sell-next", "#sell-form"), ("#sell-box", "#sell-cash-up"))


def _opens_till(pin: str) -> Act:
    async def act(page: Page) -> None:
        await page.fill("#pin", pin)
        await page.click("button")
        await page.wait_for_selector(".network.is-on")
        await page.click("#sell")
        await page.wait_for_selector("#sell-float:not([hidden]), #sell-form:not([hidden])")

    return act


def _sells(pin: str, *steps: tuple[str, str]) -> Act:
    """Opens the till, counting it where nobody did, and presses one thing after the other."""

    async def act(page: Page) -> None:
        await _opens_till(pin)(page)
        if await page.locator("#sell-float").is_visible():
            await page.fill("#float", "200")
            await page.click("#sell-float button")
        await page.wait_for_selector("#sell-form:not([hidden])")
        for pressed, shown in steps:
            await page.click(pressed)
            await page.wait_for_selector(f":is({shown}):not([hidden])")

    return act


def _found(pair: Act, words: str, *, comes_in: bool = False) -> Act:
    async def act(page: Page) -> None:
        await pair(page)
        await page.click("#find")
        await page.fill("#words", words)
        if comes_in:
            await page.locator("#found button").first.click()
            await page.wait_for_selector("#result:not([hidden])")

    return act


async def _of_organisers(box: BoxOffice) -> list[Scene]:
    """Mara runs some of these nights: a door in full swing, one before anybody came, and a night that is over."""
    async with box.db.transaction() as connection:
        await add_member(connection, MARA, "nachtfrequenz", ORGANISER)
    await scan_for_the_demo(box, DOOR)
    address = f"/organiser/events/{DOOR}/door"

    async def make(page: Page, gate: str = "Terrace") -> None:
        await page.fill("#gate", gate)
        await page.get_by_role("button", name="Make link and PIN").click()
        await page.wait_for_selector(".errors" if not gate else ".pin")

    async def make_nothing(page: Page) -> None:
        await make(page, "")

    async def open_all(page: Page) -> None:
        await page.evaluate("for (const one of document.querySelectorAll('details')) one.open = true")

    return [
        *await _of_cash(box),
        Scene("organiser-sign-in", "/organiser", "nobody"),
        Scene("organiser", "/organiser"),
        Scene("organiser-nobody", "/organiser", "newcomer"),
        Scene("organiser-door", address),
        Scene("organiser-door-all-open", address, act=open_all),
        Scene("organiser-door-before", f"/organiser/events/{NIGHT}/door"),
        Scene("organiser-door-wrong", address, act=make_nothing),
        Scene("organiser-scanner", address, act=make),
    ]


async def _of_cash(box: BoxOffice) -> list[Scene]:
    """Cash that a cancelled night owes: some of it, none of it any more, and one sale of it."""
    async with box.db.transaction() as connection:
        night = await night_of(connection, CANCELLED)
        first, second = [one.code for one in await cash_sales(connection, night.id)][:2]
        card = str(
            await connection.fetchval(
                "SELECT code FROM orders WHERE event_id = $1 AND id NOT IN (SELECT order_id FROM door_sale) LIMIT 1",
                night.id,
            )
        )

    def handed_back(*codes: str) -> Act:
        """The cash of these orders is back, or of all when none is named, whatever the scenes before left."""

        async def act(page: Page) -> None:
            async with box.db.transaction() as connection:
                await connection.execute(
                    """UPDATE door_sale SET voided_at = CASE WHEN is_back THEN clock() END,
                    void_reason = CASE WHEN is_back THEN 'The night is cancelled' END,
                    void_person_id = CASE WHEN is_back THEN person.id END
                    FROM (SELECT id, cardinality($2::text[]) = 0 OR code = ANY($2) AS is_back FROM orders
                      WHERE event_id = $1) AS found, person
                    WHERE found.id = order_id AND person.email = $3""",
                    night.id,
                    codes,
                    MARA,
                )
            await page.reload()
            for more in await page.locator("#cash-owed summary").all():
                await more.click()

        return act

    async def say_nothing(page: Page) -> None:
        await page.fill("#reason", "")
        await page.click("button.block")
        await page.wait_for_selector(".wrong")

    door = f"/organiser/events/{CANCELLED}/door"
    before, asked, other = [f"{door}/cash/{quote(code, safe='~')}" for code in (first, second, card)]
    return [
        Scene("organiser-door-cash-none-left", door, act=handed_back()),
        Scene("organiser-door-cash-owed", door, act=handed_back(first)),
        Scene("organiser-door-cash-booked", f"{door}?cash={quote(first)}#handed-back"),
        Scene("organiser-cash", asked),
        Scene("organiser-cash-wrong", asked, act=say_nothing),
        Scene("organiser-cash-before", before),
        Scene("organiser-cash-refused", other),
    ]


async def _of_guests(box: BoxOffice) -> list[Scene]:
    """A list that is filled in, one that nobody is on yet, and one that is closed."""
    async with box.db.transaction() as connection:
        open_list, empty = [(await lists_of(connection, slug))[0] for slug in (DOOR, NIGHT)]
        await connection.execute("UPDATE guest_list SET closes_at = clock() WHERE id = $1", empty.id)
    address, closed = [f"/guests/{share_token(box.settings.secret_key, one)}" for one in (open_list, empty)]

    async def add(page: Page, name: str = "") -> None:
        await page.fill("#name", name)
        await page.select_option("#plus_ones", "1")
        await page.fill("#email", "" if name else "nobody@")
        await page.click("button.block")

    async def add_one(page: Page) -> None:
        if "Zoë Müller" not in await page.content():
            await add(page, "Zoë Müller")
            await page.wait_for_selector("[role=status]")

    async def add_nobody(page: Page) -> None:
        await add(page)
        await page.wait_for_selector(".errors")

    return [
        Scene("guest-list", address, "nobody"),
        Scene("guest-list-wrong", address, "nobody", add_nobody),
        Scene("guest-list-added", address, "nobody", add_one),
        Scene("guest-list-closed", closed, "nobody"),
    ]


async def _send_wrongly(page: Page) -> None:
    await page.fill("#email", "ada@")
    await page.get_by_role("button", name="Offer them the ticket").click()
    await page.wait_for_selector(".wrong")


def _checked(code: str) -> Act:
    async def check(page: Page) -> None:
        await page.fill("#code", code)
        await page.get_by_role("button", name="Check it").click()
        await page.wait_for_selector("text=Another code")

    return check


async def _open_a_mail(page: Page) -> None:
    await page.locator(".mails a").filter(has_text="Kesselhaus").first.click()
    await page.wait_for_selector(".mail")


def _part(view: OrderView) -> str:
    return quote(view.order.code, safe="~")


def _is_page(response: Response) -> bool:
    """The page itself, arrived: no picture, no frame in it, no hop on the way."""
    request = response.request
    return request.is_navigation_request() and request.frame.parent_frame is None and response.status not in (302, 303)
