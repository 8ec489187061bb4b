"""Walks through a purchase in Chromium and takes the README's pictures: `make screenshots` writes docs/screenshots/.

Brings its own database, simulator and box office, on ports of their own.
"""

import asyncio
import re
import shutil
from pathlib import Path

from granian.constants import Interfaces
from granian.log import LogLevels
from granian.server.embed import Server
from playwright.async_api import Browser, Page, async_playwright

from boxoffice.app import create_app
from boxoffice.box import BoxOffice
from boxoffice.cli import migrate, nights
from boxoffice.cli.demo_orders import buy_for_the_demo
from boxoffice.settings import Settings
from boxoffice.worker.tick import tick
from local_postgres import LocalPostgres
from stripe_simulator.serve import serving
from stripe_simulator.settings import DefaultEndpoint
from stripe_simulator.settings import Settings as SimulatorSettings

ROOT = Path(__file__).resolve().parent.parent
PICTURES = ROOT / "docs" / "screenshots"
PORT, STRIPE_PORT = 3290, 3291
URL = f"http://localhost:{PORT}"
SECRET = "whsec_a_secret_of_the_pictures"  # noqa: S105 - of a simulator that ends with this script
PHONE, WIDE = (390, 844), (1280, 860)


async def shoot(page: Page, name: str) -> None:
    """One picture of what is on the screen."""
    await page.wait_for_load_state("networkidle")
    await page.screenshot(path=str(PICTURES / f"{name}.png"))
    print(f"docs/screenshots/{name}.png", flush=True)


async def new_page(browser: Browser, size: tuple[int, int], scheme: str) -> Page:
    """A window of this size in the dark or the light."""
    context = await browser.new_context(
        viewport={"width": size[0], "height": size[1]},
        color_scheme="dark" if scheme == "dark" else "light",
        device_scale_factor=2 if size == PHONE else 1,
    )
    return await context.new_page()


async def walk(browser: Browser, box: BoxOffice) -> None:
    """From the programme to the ticket."""
    for scheme in ("dark", "light"):
        page = await new_page(browser, WIDE, scheme)
        await page.goto(URL)
        await shoot(page, f"programme-wide-{scheme}")
        await page.locator("a[href^='/events/']").first.click()
        await shoot(page, f"night-wide-{scheme}")
        await page.context.close()
    page = await new_page(browser, PHONE, "dark")
    await page.goto(URL)
    await shoot(page, "programme")
    await page.locator("a[href^='/events/']").first.click()
    await shoot(page, "night")
    await page.locator("input[type=number]").first.fill("2")
    await page.get_by_role("button", name="Get tickets").click()
    await page.get_by_label("E-mail").fill("mara@example.org")
    await shoot(page, "checkout")
    await page.get_by_role("button", name=re.compile("Buy for")).click()
    await page.wait_for_url("**/c/pay/**")
    await shoot(page, "payment")
    back = await page.context.new_page()
    await back.goto(URL + await _order_path(box))
    await shoot(back, "order")
    await back.close()
    card = page.locator('input[name="method"][value="card"][type="radio"]')
    if await card.count():
        await card.check()
    for field, text in (("number", "4242424242424242"), ("expiry", "12/34"), ("cvc", "123"), ("name", "Mara Example")):
        await page.fill(f"#{field}", text)
    await page.select_option("#country", "DE")
    await page.click(".pay")
    await page.wait_for_url("**/success?session_id=cs_test_*")
    await shoot(page, "success")
    await tick(box)
    await page.get_by_role("link", name="Open the first ticket").click()
    await shoot(page, "ticket")
    await page.goto(f"{URL}/dev/mailbox")
    await page.locator("a[href^='/dev/mailbox/']").first.click()
    await shoot(page, "mail")
    await page.context.close()


async def _order_path(box: BoxOffice) -> str:
    async with box.db.transaction() as connection:
        code = await connection.fetchval("SELECT code FROM orders ORDER BY created_at DESC LIMIT 1")
    return f"/orders/{code}"


async def take(postgres: LocalPostgres) -> None:
    """Serves everything in this process while the browser walks."""
    settings = Settings.from_environment(
        {
            "DATABASE_URL": postgres.url("pictures"),
            "BASE_URL": URL,
            "SECRET_KEY": "a secret of the pictures, long enough",
            "STRIPE_SECRET_KEY": "sk_test_pictures_1234567890",
            "STRIPE_WEBHOOK_SECRET": SECRET,
            "STRIPE_API_BASE": f"http://127.0.0.1:{STRIPE_PORT}",
        }
    )
    await nights.load(settings, ROOT / "nights" / "demo.toml")
    await buy_for_the_demo(settings)
    simulator = SimulatorSettings(
        database_url=postgres.url("pictures_stripe"),
        base_url=f"http://127.0.0.1:{STRIPE_PORT}",
        default_endpoint=DefaultEndpoint(url=f"{URL}/api/webhook", secret=SECRET),
    )
    box = BoxOffice.from_settings(settings)
    server = Server(
        create_app(box), address="127.0.0.1", port=PORT, interface=Interfaces.ASGI, log_level=LogLevels.error
    )
    async with serving(simulator, STRIPE_PORT), async_playwright() as playwright:
        serving_task = asyncio.create_task(server.serve())
        browser = await playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        await walk(browser, box)
        await browser.close()
        server.stop()
        await serving_task
    await box.close()


def main() -> None:
    """Runs on a cluster of its own under .local/pictures."""
    PICTURES.mkdir(parents=True, exist_ok=True)
    postgres = LocalPostgres(ROOT / ".local" / "pictures")
    postgres.start()
    try:
        for name in ("pictures", "pictures_stripe"):
            postgres.drop_database(name)
            postgres.create_database(name)
        migrate.run(postgres.url("pictures"))
        asyncio.run(take(postgres))
    finally:
        postgres.stop()


if __name__ == "__main__":
    main()
