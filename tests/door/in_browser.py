"""A scanner in Chromium: paired as people pair it, with what it can be asked."""

from dataclasses import dataclass
from typing import Any

from playwright.async_api import Browser, BrowserContext, Page, ViewportSize, expect

from boxoffice.door.device import MadeLink
from tests.door.conftest import Door
from tests.shop import SLUG

PHONE = ViewportSize(width=390, height=844)


@dataclass
class Phone:
    """A paired phone with its scanner open."""

    context: BrowserContext
    page: Page

    async def pair(self, door: Door, made: MadeLink) -> None:
        """Opens the link, types its PIN and waits for the list."""
        await self.page.goto(f"{door.shop.url}/door/{SLUG}/{made.link}")
        await self.page.get_by_label("PIN").fill(made.pin)
        await self.page.get_by_role("button", name="Pair").click()
        await self.is_online()

    async def type(self, code: str) -> None:
        """Somebody types a ticket's code."""
        await self.page.get_by_label("Ticket code", exact=True).fill(code)
        await self.page.get_by_role("button", name="Check").click()

    async def scan_with_keys(self, text: str) -> None:
        """A scanner that types does so, with the focus nowhere."""
        await self.page.evaluate("document.activeElement.blur()")
        await self.page.keyboard.type(text)
        await self.page.keyboard.press("Enter")

    async def answers(self, answer: str) -> None:
        """The screen says so, and then is ready for the next."""
        shown = self.page.locator(f"#result[data-answer={answer}]")
        await expect(shown).to_be_visible()
        await self.page.keyboard.press("Escape")
        await expect(shown).to_be_hidden()

    async def checks(self, code: str, answer: str) -> None:
        await self.type(code)
        await self.answers(answer)

    async def waits(self, scans: int) -> None:
        """So many scans are on their way."""
        words = "nothing waits" if scans == 0 else f"{scans} scan{'s wait' if scans > 1 else ' waits'}"
        await expect(self.page.locator("#network-more")).to_contain_text(words, timeout=15_000)

    async def is_online(self, online: bool = True) -> None:
        word = "Online" if online else "Offline"
        await expect(self.page.locator("#network-word")).to_have_text(word, timeout=20_000)

    async def undo(self, place: int = 0, reason: str = "Wrong person") -> None:
        """Takes back a scan in the list of the last ones."""
        await self.page.locator("#log li").nth(place).get_by_role("button", name="Undo").click()
        await self.page.get_by_label(reason).check()
        await self.page.locator("#why [value=yes]").click()

    async def store(self, name: str) -> list[dict[str, Any]]:
        """What the phone keeps in a store."""
        return await self.page.evaluate(
            """([slug, name]) => new Promise((resolve) => {
              const opening = indexedDB.open(`door ${slug}`);
              opening.onsuccess = () => {
                const all = opening.result.transaction(name).objectStore(name).getAll();
                all.onsuccess = () => { opening.result.close(); resolve(all.result); };
              };
            })""",
            [SLUG, name],
        )


async def paired_phone(
    browser: Browser,
    door: Door,
    *,
    gate: str = "Main door",
    role: str = "staff",
    list_name: str = "",
    sells: bool = False,
    script: str = "",
    **more: Any,
) -> Phone:
    """Opens a new link, types its PIN and waits for the list. `script` runs before the page's own."""
    made = await door.link(gate, role, list_name, sells=sells)
    context = await browser.new_context(viewport=PHONE, reduced_motion="reduce", **more)
    if script:
        await context.add_init_script(script)
    phone = Phone(context, await context.new_page())
    await phone.pair(door, made)
    return phone
