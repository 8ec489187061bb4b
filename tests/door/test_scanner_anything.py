"""Whatever a scanner is shown, it answers in words, tells the box office and goes on; with a network and without."""

import pytest
from playwright.async_api import Browser, expect

from tests.chromium import in_chromium
from tests.door.conftest import Door
from tests.door.in_browser import paired_phone
from tests.door.test_scanner_dialogs import CAMERA

pytestmark = [*in_chromium, pytest.mark.slow]

# As JavaScript writes them: some cannot be sent from here, such as half a character.
SHOWN = [
    '"https://example.org/menu"',
    '"A".repeat(4296)',  # as much as a QR code can hold
    '"\\u{1f4a9}".repeat(9000)',
    '"\\0\\x1f\\u202e\\ufeff"',
    '"half a character \\ud83d"',
    '\'{"ticketId": "1", "admit": true}\'',
    '"BEGIN:VCARD\\r\\nFN:Zoë\\r\\nEND:VCARD"',
    '"0".repeat(140)',
    '"-1\' OR 1=1 --"',
]


@pytest.mark.parametrize("offline", [False, True])
async def test_whatever_the_camera_sees_is_answered_told_and_lets_nobody_in(
    chromium: Browser, door: Door, offline: bool
) -> None:
    (code,) = await door.tickets()
    payload = await door.payload(code)
    phone = await paired_phone(chromium, door, script=CAMERA)
    complaints: list[str] = []
    phone.page.on("pageerror", lambda error: complaints.append(str(error)))
    await expect(phone.page.locator("#camera-off")).to_be_hidden()
    if offline:
        await phone.context.set_offline(True)
        await phone.is_online(online=False)
    for text in SHOWN:
        await phone.page.evaluate(f"() => {{ inPicture = [{text}]; }}")
        await expect(phone.page.locator("#result[data-answer=unknown]")).to_be_visible()
        await expect(phone.page.locator(".result-word")).to_have_text("Unknown")
        assert await phone.page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        await phone.page.evaluate("() => { inPicture = []; }")
        await phone.answers("unknown")
    await phone.scan_with_keys(payload)
    await phone.answers("admitted")
    if offline:
        await phone.context.set_offline(False)
        await phone.is_online()
    await phone.waits(0)
    assert await phone.store("queue") == []
    await expect(phone.page.locator("#network-more")).not_to_contain_text("could not be told")
    assert complaints == []
    assert await door.value("SELECT count(*) FROM scan WHERE answer = 'unknown'") == len(SHOWN)
    assert await door.value("SELECT count(*) FROM entry") == 1
    await phone.context.close()
