"""What a scanner does with the phone that it runs on: light, screen, shaking, sound; and how soon it answers."""

from statistics import median

import pytest
from playwright.async_api import Browser, expect

from tests.chromium import in_chromium
from tests.door.conftest import Door
from tests.door.in_browser import Phone, paired_phone
from tests.door.test_scanner_dialogs import CAMERA

pytestmark = in_chromium

SOON_MS = 300
BETWEEN_MS = 600  # a second ticket waits while the first may still be in the picture
# A phone that tells what is asked of it; without a torch until it gets one.
PHONE = (
    CAMERA
    + """
globalThis.asked = [];
globalThis.locks = [];
navigator.vibrate = (shake) => asked.push(`shake ${shake}`);
Object.defineProperty(navigator, "wakeLock", { value: { request: async (what) => {
  asked.push(`awake ${what}`);
  locks.push({ released: false });
  return locks.at(-1);
} } });
globalThis.OscillatorNode = class extends OscillatorNode {
  start(at) {
    asked.push(`note ${this.type}`);
    super.start(at);
  }
};
"""
)
TORCH = """
navigator.mediaDevices.getUserMedia = async () => {
  const stream = document.createElement("canvas").captureStream();
  const [track] = stream.getVideoTracks();
  track.getCapabilities = () => ({ torch: true });
  track.applyConstraints = async ({ advanced }) => asked.push(`torch ${advanced[0].torch}`);
  return stream;
};
"""
# From the moment in which a code is read to the one in which its answer covers the screen.
STOPWATCH = (
    CAMERA
    + """
globalThis.took = [];
const detect = BarcodeDetector.prototype.detect;
let read = 0;
BarcodeDetector.prototype.detect = async function (video) {
  const found = await detect.call(this, video);
  if (found.length) read ||= performance.now();
  return found;
};
addEventListener("DOMContentLoaded", () => {
  const result = document.querySelector("#result");
  new MutationObserver(() => {
    if (!result.hidden && read) requestAnimationFrame(() => took.push(performance.now() - read));
    if (!result.hidden) inPicture = [];
    if (result.hidden) read = 0;
  }).observe(result, { attributeFilter: ["hidden"] });
});
"""
)


async def asked(phone: Phone) -> list[str]:
    """What was asked of the phone since this was asked last."""
    return await phone.page.evaluate("asked.splice(0)")


async def test_the_light_is_turned_on_and_off_where_there_is_one(chromium: Browser, door: Door) -> None:
    phone = await paired_phone(chromium, door, script=PHONE + TORCH)
    light = phone.page.get_by_role("button", name="Torch")
    await expect(light).to_be_visible()
    await asked(phone)
    for told, pressed in (("torch true", "true"), ("torch false", "false")):
        await light.click()
        assert await asked(phone) == [told]
        await expect(light).to_have_attribute("aria-pressed", pressed)
    await phone.context.close()


async def test_the_screen_stays_on_and_again_after_somebody_looked_elsewhere(chromium: Browser, door: Door) -> None:
    phone = await paired_phone(chromium, door, script=PHONE)
    await expect(phone.page.locator("#camera-off")).to_be_hidden()
    await expect(phone.page.get_by_role("button", name="Torch")).to_be_hidden()
    assert await asked(phone) == ["awake screen"]
    await phone.page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
    assert await asked(phone) == [], "it is on"
    await phone.page.evaluate("locks[0].released = true")  # as browsers do when another app is before it
    await phone.page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
    assert await asked(phone) == ["awake screen"]
    await phone.context.close()


async def test_yes_and_no_feel_and_sound_different(chromium: Browser, door: Door) -> None:
    """Whoever looks at the guest and not at the screen knows; with the sound off it still shakes."""
    (code,) = await door.tickets()
    phone = await paired_phone(chromium, door, script=PHONE)
    await phone.page.locator("#gate").click()  # browsers let a page sound after that
    await phone.page.wait_for_timeout(100)
    told: list[list[str]] = []
    for answer in ("admitted", "already_used"):
        await asked(phone)
        await phone.checks(code, answer)
        told.append(await asked(phone))
    assert told == [
        ["shake 60", "note sine", "note sine"],
        ["shake 180,80,180", "note sawtooth", "note sawtooth"],
    ]
    await phone.page.get_by_role("button", name="Sound").click()
    await phone.checks(code, "already_used")
    assert await asked(phone) == ["shake 180,80,180"]
    await phone.context.close()


@pytest.mark.slow
@pytest.mark.parametrize("offline", [False, True])
async def test_an_answer_is_on_the_screen_in_less_than_300_ms(chromium: Browser, door: Door, offline: bool) -> None:
    codes = await door.tickets(5)
    phone = await paired_phone(chromium, door, script=STOPWATCH)
    await expect(phone.page.locator("#camera-off")).to_be_hidden()
    if offline:
        await phone.context.set_offline(True)
        await phone.is_online(online=False)
    for code in codes:
        await phone.page.evaluate("(text) => { inPicture = [text]; }", await door.payload(code))
        await phone.answers("admitted")
        await phone.page.wait_for_timeout(BETWEEN_MS)
    took: list[float] = await phone.page.evaluate("took")
    assert len(took) == len(codes)
    assert median(took) < SOON_MS, took
    await phone.context.close()
