"""Takes a picture of every page and mail in every state: `make screenshots` writes them to screenshots/.

On a phone and a wide screen, in the dark and in the light; the few of README are copied to docs/screenshots/.
`--only WORD` takes those whose name has WORD in it. Brings its own database and box office, on a port of their own.
"""

import argparse
import asyncio
import os
import shutil
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from granian.constants import Interfaces
from granian.log import LogLevels
from granian.server.embed import Server
from playwright.async_api import Browser, Page, async_playwright

from boxoffice.accounts.login import MEET
from boxoffice.accounts.sessions import open_session
from boxoffice.app import create_app
from boxoffice.box import BoxOffice
from boxoffice.cli import migrate, nights
from boxoffice.cli.demo_orders import buy_for_the_demo
from boxoffice.foundation.ids import new_id
from boxoffice.foundation.mail import Mail
from boxoffice.orders.order import OrderView
from boxoffice.settings import Settings
from local_postgres import LocalPostgres
from tests.notifications.mails import every_mail
from tests.web.cast import MARA, key_of, moved, paid, paying, place, refunded

ROOT = Path(__file__).resolve().parent.parent
PICTURES = ROOT / "screenshots"
BEST = ROOT / "docs" / "screenshots"
PORT = int(os.environ.get("PICTURES_PORT", "3290"))
URL = f"http://localhost:{PORT}"
SIZES = {"phone": (390, 844), "wide": (1440, 900)}
SCHEMES = ("dark", "light")
FOR_README = {
    **{f"{name}-phone-dark": name for name in ("programme", "night", "checkout", "success", "ticket")},
    **{f"{name}-wide-{scheme}": f"{name}-wide-{scheme}" for name in ("programme", "night") for scheme in SCHEMES},
    "order-paying-phone-light": "order",
    "mail-tickets-phone-light": "mail",
}
NAMES = ("Mara Example", "نور الهدى")
NIGHT, OTHER = "kesselhaus-opening", "dub-club"


@dataclass(frozen=True, slots=True)
class Scene:
    """A page to look at; `whole` pages are pictured to their end."""

    name: str
    address: str
    signed_in: bool = True


async def scenes(box: BoxOffice) -> tuple[list[Scene], list[OrderView]]:
    """Every page in every state, and the orders whose cookies open them."""
    done = await paid(box, slug=NIGHT, names=NAMES)
    dead = await paid(box, slug=OTHER, quantity=3)
    back = await refunded(box, late=False, slug=OTHER, quantity=1, email="back@example.org")
    async with box.db.transaction() as connection:
        used, gone, blocked = (ticket.id for ticket in dead.tickets)
        await connection.execute("UPDATE ticket SET status = 'used' WHERE id = $1", used)
        await connection.execute("UPDATE ticket SET status = 'cancelled' WHERE id = $1", gone)
        await connection.execute("UPDATE ticket SET blocked_reason = 'disputed' WHERE id = $1", blocked)
        entry = await connection.fetchval(
            "SELECT id FROM ticket_type WHERE event_id = $1 ORDER BY position",
            done.order.event_id,
        )
        slugs = [str(row[0]) for row in await connection.fetch("SELECT slug FROM event ORDER BY starts_at, slug")]
    orders = {
        "line": await place(box, NIGHT, 1, email="line@example.org"),
        "paying": await paying(box, slug=NIGHT, quantity=2, email="paying@example.org"),
        "settling": await moved(box, "settling", slug=NIGHT, email="settling@example.org"),
        "in-review": await moved(box, "in_review", slug=NIGHT, email="review@example.org"),
        "expired": await moved(box, "expired", slug=NIGHT, email="expired@example.org"),
        "given-up": await moved(box, "released", reason="given_up", slug=NIGHT, email="given-up@example.org"),
        "too-late": await refunded(box, late=True, slug=NIGHT, email="late@example.org"),
        "refunded": back,
        "paid": done,
    }
    tickets = {"ticket": done.tickets[0], "ticket-used": dead.tickets[0], "ticket-cancelled": dead.tickets[1]}
    tickets |= {"ticket-blocked": dead.tickets[2], "ticket-refunded": back.tickets[0]}
    made = [Scene(f"night-{slug}" if slug != NIGHT else "night", f"/events/{slug}") for slug in slugs]
    made += [
        Scene("programme", "/"),
        Scene("night-nothing-chosen", f"/events/{NIGHT}?chosen=nothing"),
        Scene("checkout", f"/events/{NIGHT}/checkout?{entry}=2"),
        *(Scene(f"order-{name}", f"/orders/{_part(view.order.code)}") for name, view in orders.items()),
        Scene("success", f"/orders/{_part(done.order.code)}/success"),
        Scene("success-confirming", f"/orders/{_part(orders['paying'].order.code)}/success"),
        Scene("print", f"/orders/{_part(done.order.code)}/print"),
        *(Scene(name, f"/tickets/{_part(ticket.code)}") for name, ticket in tickets.items()),
        Scene("my-tickets", "/tickets"),
        Scene("sign-in", "/tickets", signed_in=False),
        Scene("problem-404", "/events/nowhere"),
        Scene("mailbox", "/dev/mailbox"),
    ]
    return made, [*orders.values(), dead]


def _part(code: str) -> str:
    return quote(code, safe="~")


async def shoot(page: Page, name: str) -> None:
    """One picture, the page to its end."""
    await page.wait_for_load_state("networkidle")
    await page.evaluate("document.fonts.ready")
    await page.screenshot(path=str(PICTURES / f"{name}.png"), full_page=True, animations="disabled")
    if name in FOR_README:
        await page.screenshot(path=str(BEST / f"{FOR_README[name]}.png"), animations="disabled")
    print(f"screenshots/{name}.png", flush=True)


async def walk(browser: Browser, box: BoxOffice, only: str) -> None:
    """Every scene in every window."""
    made, views = await scenes(box)
    async with box.db.transaction() as connection:
        person = await MEET.first(connection, new_id(), MARA)
        assert person is not None
        cookies = {"session": await open_session(connection, person.id)}
    for view in views:
        cookies |= key_of(box, view)
    for size, (width, height) in SIZES.items():
        for scheme in SCHEMES:
            for signed_in in (True, False):
                context = await browser.new_context(
                    viewport={"width": width, "height": height},
                    color_scheme="dark" if scheme == "dark" else "light",
                    device_scale_factor=2 if size == "phone" else 1,
                )
                if signed_in:
                    await context.add_cookies([{"name": n, "value": v, "url": URL} for n, v in cookies.items()])
                page = await context.new_page()
                for scene in made:
                    if scene.signed_in == signed_in and only in scene.name:
                        await page.goto(URL + scene.address)
                        await shoot(page, f"{scene.name}-{size}-{scheme}")
                if not signed_in:
                    await mails_and_code(page, f"{size}-{scheme}", only)
                await context.close()


async def mails_and_code(page: Page, window: str, only: str) -> None:
    """What is typed at sign-in, and every mail as a mail program shows it."""
    if only in "sign-in-code":
        await page.goto(f"{URL}/tickets")
        await page.fill("#email", MARA)
        await page.get_by_role("button", name="Send me a code").click()
        await shoot(page, f"sign-in-code-{window}")
    mail: Mail
    for name, mail in every_mail("Kesselhaus Opening", NAMES).items():
        if only in f"mail-{name}" and mail.html:
            await page.goto("about:blank")
            await page.set_content(mail.html)
            await shoot(page, f"mail-{name}-{window}")


async def take(postgres: LocalPostgres, only: str) -> None:
    """Serves everything in this process while the browser walks."""
    settings = Settings.from_environment(
        {
            "DATABASE_URL": postgres.url("pictures"),
            "BASE_URL": URL,
            "SECRET_KEY": "a secret of the pictures, long enough",
            "STRIPE_SECRET_KEY": "sk_test_pictures_1234567890",
            "STRIPE_WEBHOOK_SECRET": "whsec_of_the_pictures",
            "STRIPE_API_BASE": "http://127.0.0.1:1",
        }
    )
    await nights.load(settings, ROOT / "nights" / "demo.toml")
    await buy_for_the_demo(settings)
    box = BoxOffice.from_settings(settings)
    server = Server(
        create_app(box), address="127.0.0.1", port=PORT, interface=Interfaces.ASGI, log_level=LogLevels.error
    )
    async with async_playwright() as playwright:
        serving = asyncio.create_task(server.serve())
        browser = await playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        await walk(browser, box, only)
        await browser.close()
        server.stop()
        await serving
    await box.close()


def main() -> None:
    """Runs on a cluster of its own under .local/pictures."""
    parser = argparse.ArgumentParser(description="Takes a picture of every page and mail.")
    parser.add_argument("--only", default="", help="only those whose name has this in it")
    only = parser.parse_args().only
    PICTURES.mkdir(exist_ok=True)
    BEST.mkdir(parents=True, exist_ok=True)
    postgres = LocalPostgres(ROOT / ".local" / "pictures")
    postgres.start()
    try:
        postgres.drop_database("pictures")
        postgres.create_database("pictures")
        migrate.run(postgres.url("pictures"))
        asyncio.run(take(postgres, only))
    finally:
        postgres.stop()


if __name__ == "__main__":
    main()
