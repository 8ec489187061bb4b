"""The scanner without looking: where the focus is, and what a screen reader says."""

from playwright.async_api import Browser, expect

from tests.chromium import in_chromium
from tests.door.conftest import Door
from tests.door.in_browser import Phone, paired_phone

pytestmark = in_chromium

LISTEN = """() => {
  globalThis.heard = [];
  const live = document.querySelectorAll("[aria-live], [role=status], [role=alert]");
  for (const one of live) {
    new MutationObserver(() => one.textContent && heard.push(one.textContent))
      .observe(one, { childList: true, characterData: true, subtree: true });
  }
}"""
FOCUS = "document.activeElement.id || document.activeElement.textContent"


async def presses(phone: Phone, *keys: str) -> str:
    """What has the focus afterwards."""
    for key in keys:
        await phone.page.keyboard.press(key)
    return await phone.page.evaluate(FOCUS)


async def test_an_answer_has_the_focus_and_gives_it_back(chromium: Browser, door: Door) -> None:
    """Whoever has no mouse reaches its buttons first, and nothing that it covers."""
    (code,) = await door.tickets()
    phone = await paired_phone(chromium, door)
    result = phone.page.locator("#result")
    field = phone.page.get_by_label("Ticket code", exact=True)
    await field.fill(code)
    assert await presses(phone, "Enter") is not None
    await expect(result).to_be_focused()
    await expect(phone.page.locator("#scanning")).to_have_js_property("inert", value=True)
    await expect(result.locator(".result-buttons")).to_have_js_property("inert", value=False)
    assert [await presses(phone, "Tab") for _ in range(2)] == ["Undo", "Next"]
    await phone.page.keyboard.press("Enter")
    await expect(result).to_be_hidden()
    await expect(field).to_be_focused()
    await phone.page.locator("#log").get_by_role("button", name="Undo").focus()
    await phone.page.keyboard.press("Enter")
    await expect(phone.page.locator("#why")).to_be_visible()
    await phone.page.locator("#why [value=yes]").press("Enter")
    await phone.answers("undone")
    await field.focus()
    await field.fill(code)
    await phone.page.keyboard.press("Enter")
    await expect(result).to_be_hidden(timeout=8000)  # by itself
    await expect(field).to_be_focused()
    await phone.context.close()


async def test_an_answer_is_said_once_and_the_same_one_again(chromium: Browser, door: Door) -> None:
    first, second = await door.tickets(2)
    phone = await paired_phone(chromium, door)
    await phone.page.evaluate(LISTEN)
    for code in (first, second, second):
        await phone.type(code)
        await expect(phone.page.locator("#result")).to_be_visible()
        await phone.page.wait_for_timeout(200)
        await phone.page.keyboard.press("Escape")
    await expect(phone.page.locator("#spoken")).to_be_empty()
    said = await phone.page.evaluate("heard")
    assert said[:2] == ["Admitted. Entry"] * 2
    assert said[2].startswith("Already used. In since ")
    assert len(said) == 3
    await phone.page.evaluate("heard.length = 0")
    await phone.context.set_offline(True)
    await phone.is_online(online=False)
    await phone.type("nonsense")
    await phone.answers("unknown")
    assert [words.split(".")[0] for words in await phone.page.evaluate("heard")] == ["Offline", "Mistyped"]
    assert (await phone.page.evaluate("heard[1]")).endswith("For a name, press Find. Answered without a network")
    await phone.context.close()
