"""Takes a picture of every page and mail in every state: `make screenshots` writes them to screenshots/.

On a phone and a wide screen, in the dark and in the light; the few of README are copied to docs/screenshots/.
`--only WORD` takes those whose name has WORD in it. Brings its own database and box office, on a port of their own.
"""

import argparse
import asyncio
import os
import shutil
from pathlib import Path
from tempfile import TemporaryDirectory

from playwright.async_api import Browser, Page, async_playwright

from scripts.whole_house import whole_house
from tests.notifications.mails import every_mail
from tests.web.every_page import NAMES, WINDOWS, Stage, Window

ROOT = Path(__file__).resolve().parent.parent
PICTURES = ROOT / "screenshots"
BEST = ROOT / "docs" / "screenshots"
PORT = int(os.environ.get("PICTURES_PORT", "3290"))
BUY_BAR = "(document.querySelector('.buy-bar') ?? document.createElement('p')).style.position"
FOR_README = {
    **{f"{name}-phone-dark": name for name in ("programme", "night", "checkout", "success", "ticket")},
    "programme-wide-dark": "programme-wide-dark",
    "night-wide-light": "night-wide-light",
    "order-paying-phone-light": "order",
    "guest-list-phone-dark": "guest-list",
    "door-guest-phone-dark": "door",
    "door-sell-phone-dark": "till",
    "organiser-door-phone-dark": "organiser",
    "mail-tickets-phone-light": "mail",
}


# Faces of the world's scripts, for a machine that has none; and what else it has.
FONTS = """<?xml version="1.0"?><!DOCTYPE fontconfig SYSTEM "fonts.dtd">
<fontconfig><include ignore_missing="yes">/etc/fonts/fonts.conf</include><dir>{folder}</dir></fontconfig>"""
SCRIPTS = ("BIZUDPGothic", "NanumGothic", "NotoSansSC", "NotoSansArabic", "NotoSansHebrew", "NotoEmoji")


def with_fonts(folder: Path) -> dict[str, str | float | bool]:
    """The environment in which Chromium finds our faces, linked from `folder`."""
    for face in (ROOT / "boxoffice" / "fonts").glob("*.ttf"):
        if face.name.startswith(SCRIPTS):
            (folder / face.name).symlink_to(face)
    (folder / "fonts.conf").write_text(FONTS.format(folder=folder))
    return {**os.environ, "FONTCONFIG_FILE": str(folder / "fonts.conf")}


async def shoot(page: Page, name: str) -> None:
    """One picture, the page to its end."""
    await page.wait_for_load_state("networkidle")
    await page.evaluate("document.fonts.ready")
    await page.evaluate(f"{BUY_BAR} = 'static'")  # in a picture of the whole page it would lie across the middle
    await page.screenshot(path=str(PICTURES / f"{name}.png"), full_page=True, animations="disabled")
    await page.evaluate(f"{BUY_BAR} = ''")
    if name in FOR_README:
        await page.screenshot(path=str(BEST / f"{FOR_README[name]}.png"), animations="disabled")
    print(f"screenshots/{name}.png", flush=True)


async def mails(browser: Browser, window: Window, only: str) -> None:
    """Every mail as a mail program shows it."""
    page = await browser.new_page(
        viewport={"width": window.width, "height": window.height},
        color_scheme="dark" if window.dark else "light",
        device_scale_factor=window.sharpness,
    )
    for name, mail in every_mail("Kesselhaus Opening", NAMES).items():
        if only in f"mail-{name}" and mail.html:
            await page.set_content(mail.html)
            await shoot(page, f"mail-{name}-{window.name}")
    await page.close()


async def take(stage: Stage, only: str) -> None:
    """Every scene in every window."""
    async with async_playwright() as playwright:
        with TemporaryDirectory() as folder:
            browser = await playwright.chromium.launch(
                executable_path=shutil.which("chromium"), args=["--no-sandbox"], env=with_fonts(Path(folder))
            )
            await walk(stage, browser, only)
            await browser.close()


async def walk(stage: Stage, browser: Browser, only: str) -> None:
    """The same in a browser that has started."""
    for window in WINDOWS:
        async for scene, page, _html in stage.walk(browser, window, only):
            await shoot(page, f"{scene.name}-{window.name}")
        await mails(browser, window, only)


async def main() -> None:
    """Runs on a cluster of its own under .local/pictures."""
    parser = argparse.ArgumentParser(description="Takes a picture of every page and mail.")
    parser.add_argument("--only", default="", help="only those whose name has this in it")
    only = parser.parse_args().only
    PICTURES.mkdir(exist_ok=True)
    BEST.mkdir(parents=True, exist_ok=True)
    async with whole_house(PORT, "pictures") as stage:
        await take(stage, only)


if __name__ == "__main__":
    asyncio.run(main())
