"""The scanner's camera: Chromium's fake one plays a film of a real QR code, and only this machine exists."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, cast

import cv2
import numpy as np
import pytest
import zxingcpp
from playwright.async_api import Browser, async_playwright, expect

from boxoffice.orders.order import OrderView, show_order
from tests.chromium import CHROMIUM, in_chromium
from tests.door.conftest import Door
from tests.door.in_browser import PHONE, Phone, paired_phone
from tests.paper import Pixels, pictures, pixels
from tests.web.cast import key_of

pytestmark = in_chromium

WIDTH, HEIGHT = 640, 480
NO_DETECTOR = "delete globalThis.BarcodeDetector;"
OWN_DETECTOR = """globalThis.BarcodeDetector = class {
  static async getSupportedFormats() { return ["qr_code"]; }
  async detect() { return [{ rawValue: "CODE" }]; }
};"""


async def bought(door: Door) -> OrderView:
    """An order of one ticket."""
    db = door.shop.box.db
    opened, db.moved_clock = db.moved_clock, None
    order = await door.shop.ordered()
    await door.shop.pay(order)
    async with db.transaction() as connection:
        view = await show_order(connection, order["code"])
    db.moved_clock = opened
    return view


async def ticket_page(chromium: Browser, door: Door, view: OrderView) -> Pixels:
    """The buyer's phone with the ticket open, as somebody photographs it."""
    context = await chromium.new_context(viewport=PHONE)
    for name, value in key_of(door.shop.box, view).items():
        await context.add_cookies([{"name": name, "value": value, "url": door.shop.url}])
    page = await context.new_page()
    await page.goto(f"{door.shop.url}/tickets/{view.tickets[0].code}")
    shot = await page.screenshot()
    await context.close()
    return pixels(shot)


async def ticket_paper(door: Door, view: OrderView) -> Pixels:
    """The ticket's PDF, printed."""
    cookies = "; ".join(f"{name}={value}" for name, value in key_of(door.shop.box, view).items())
    answer = await door.shop.web.get(f"/orders/{view.order.code}/tickets.pdf", headers={"Cookie": cookies})
    assert answer.status_code == 200, answer.text
    return pictures(answer.content, 90)[0]


def film(picture: Pixels, file: Path) -> None:
    """The picture before a camera: whole, a little turned, in the grey of a basement, with noise."""
    scale = min(WIDTH / picture.shape[1], HEIGHT / picture.shape[0])
    small = cv2.resize(
        cv2.cvtColor(picture, cv2.COLOR_BGR2GRAY), None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA
    )
    scene = np.full((HEIGHT, WIDTH), 90, np.uint8)
    top, left = (HEIGHT - small.shape[0]) // 2, (WIDTH - small.shape[1]) // 2
    scene[top : top + small.shape[0], left : left + small.shape[1]] = small
    random = np.random.default_rng(7)
    with file.open("wb") as out:
        out.write(f"YUV4MPEG2 W{WIDTH} H{HEIGHT} F10:1 Ip A1:1 C420jpeg\n".encode())
        for number in range(10):
            turn = cv2.getRotationMatrix2D((WIDTH / 2, HEIGHT / 2), 3 + number / 4, 1.0)
            seen = cv2.warpAffine(scene, turn, (WIDTH, HEIGHT), borderValue=(90,))
            dark = seen.astype(np.int16) * 2 // 3 + random.integers(-12, 13, seen.shape)
            out.write(b"FRAME\n" + np.clip(dark, 0, 255).astype(np.uint8).tobytes() + b"\x80" * (WIDTH * HEIGHT // 2))


def qr_of(picture: Pixels) -> Pixels:
    """The QR code with the paper around it, as somebody holds it before a camera."""
    (found,) = zxingcpp.read_barcodes(cast("Any", picture))
    corners = [found.position.top_left, found.position.top_right, found.position.bottom_right]
    xs, ys = [one.x for one in corners], [one.y for one in corners]
    edge = (max(xs) - min(xs)) // 4
    return picture[max(0, min(ys) - edge) : max(ys) + edge, max(0, min(xs) - edge) : max(xs) + edge]


@asynccontextmanager
async def camera(*more: str) -> AsyncGenerator[Browser]:
    """A browser of its own, to which only this machine exists."""
    async with async_playwright() as playwright:
        only_us = "--host-resolver-rules=MAP * ~NOTFOUND , EXCLUDE localhost , EXCLUDE 127.0.0.1"
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", only_us, *more])
        yield browser
        await browser.close()


FAKE = ("--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream")


@pytest.mark.parametrize("where", ["page", "paper"])
async def test_a_film_of_our_own_ticket_is_read(chromium: Browser, door: Door, tmp_path: Path, where: str) -> None:
    """By our own reader, since the browser has none; offline too, from the service worker's copy of its WASM."""
    view = await bought(door)
    picture = await (ticket_page(chromium, door, view) if where == "page" else ticket_paper(door, view))
    film(qr_of(picture), tmp_path / "ticket.y4m")
    async with camera(*FAKE, f"--use-file-for-fake-video-capture={tmp_path / 'ticket.y4m'}") as browser:
        phone = await paired_phone(browser, door, script=NO_DETECTOR)
        await reads(phone, "admitted")
        assert await door.value("SELECT answer FROM scan") == "admitted"
        await expect(phone.page.locator("#kept")).to_be_visible(timeout=20_000)
        await phone.context.set_offline(True)
        await phone.page.reload()
        await reads(phone, "already_used")
        await expect(phone.page.locator(".result-alone")).to_be_visible()


async def reads(phone: Phone, answer: str) -> None:
    await expect(phone.page.locator(f"#result[data-answer={answer}]")).to_be_visible(timeout=30_000)


async def test_the_browsers_own_detector_comes_first(door: Door) -> None:
    """And a code that stays in the picture is read once."""
    (code,) = await door.tickets()
    async with camera(*FAKE) as browser:
        phone = await paired_phone(browser, door, script=OWN_DETECTOR.replace("CODE", await door.payload(code)))
        await reads(phone, "admitted")
        await phone.answers("admitted")
        await phone.page.evaluate("new Promise((resolve) => setTimeout(resolve, 1500))")
        assert await door.value("SELECT count(*) FROM scan") == 1
        assert await phone.page.evaluate("globalThis.ZXingWASM") is None


async def test_it_says_why_there_is_no_camera(door: Door) -> None:
    """Refused, none there, or an address that is not secure."""
    async with camera() as browser:
        phone = await paired_phone(browser, door)
        await expect(phone.page.locator("#camera-why")).to_contain_text("No camera was found")
    refuse = "navigator.mediaDevices.getUserMedia = async () => { throw new DOMException('', 'NotAllowedError'); };"
    async with camera(*FAKE) as browser:
        phone = await paired_phone(browser, door, script=refuse)
        await expect(phone.page.locator("#camera-why")).to_contain_text("The camera was refused")
        await expect(phone.page.get_by_role("button", name="Try the camera")).to_be_visible()
    insecure = "Object.defineProperty(globalThis, 'isSecureContext', { value: false });"
    async with camera(*FAKE) as browser:
        phone = await paired_phone(browser, door, script=insecure)
        await expect(phone.page.locator("#camera-why")).to_contain_text("this one is not secure")
        await expect(phone.page.get_by_role("button", name="Try the camera")).to_be_hidden()


TORCH = """globalThis.isHot = false;
MediaStreamTrack.prototype.getCapabilities = () => ({ torch: true });
MediaStreamTrack.prototype.applyConstraints = async ({ advanced: [{ torch }] }) => {
  if (globalThis.isHot) throw new DOMException("", "OverconstrainedError");
  document.documentElement.dataset.torches = `${document.documentElement.dataset.torches ?? ""} ${torch}`;
};
globalThis.visible = (state) => {
  Object.defineProperty(document, "visibilityState", { value: state, configurable: true });
  document.dispatchEvent(new Event("visibilitychange"));
};"""


async def test_the_torch_is_as_its_button_says(door: Door) -> None:
    """It goes out with the camera when somebody looks at another app, and a hot phone lights none."""
    async with camera(*FAKE) as browser:
        phone = await paired_phone(browser, door, script=TORCH)
        torch = phone.page.get_by_role("button", name="Torch")
        await torch.click()
        await expect(torch).to_have_attribute("aria-pressed", "true")
        await phone.page.evaluate("visible('hidden'); visible('visible');")
        await expect(phone.page.locator("html")).to_have_attribute("data-torches", " true true")
        await expect(torch).to_have_attribute("aria-pressed", "true")
        await torch.click()
        await expect(torch).to_have_attribute("aria-pressed", "false")
        await expect(phone.page.locator("html")).to_have_attribute("data-torches", " true true false")
        await phone.page.evaluate("globalThis.isHot = true")
        await torch.click()
        await expect(torch).to_have_attribute("aria-pressed", "false")


async def test_a_camera_that_is_taken_away_is_missed(door: Door) -> None:
    """The picture would stand still, and nothing be scanned."""
    async with camera(*FAKE) as browser:
        phone = await paired_phone(browser, door)
        off = phone.page.locator("#camera-off")
        await expect(phone.page.locator("#video")).to_have_js_property("paused", value=False)
        await expect(off).to_be_hidden()
        take = "document.querySelector('#video').srcObject.getVideoTracks()[0].dispatchEvent(new Event('ended'))"
        await phone.page.evaluate(take)
        await expect(off).to_contain_text("The camera stopped")
        await phone.page.get_by_role("button", name="Try the camera").click()
        await expect(off).to_be_hidden()
        await expect(phone.page.locator("#video")).to_have_js_property("paused", value=False)
