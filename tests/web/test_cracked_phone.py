"""A ticket on a phone whose glass is cracked, seen from as far away as two arms reach."""

import cv2
import numpy as np
import pytest
from playwright.async_api import Browser

from boxoffice.edge.render import path_part
from tests.chromium import in_chromium
from tests.paper import Pixels, codes, pixels
from tests.shop import Shop
from tests.web.test_tickets_on_paper_in_browser import bought, phone, text_of

pytestmark = in_chromium

MODULES_ACROSS = 41 + 8
FROM_AN_ARMS_LENGTH = 2.5
"""Pixels a module: a code 60 mm wide, half a metre before a camera of 1280 pixels that sees 65 degrees."""
PHONES = 20


def cracked(picture: Pixels, chance: np.random.Generator) -> Pixels:
    """Cracks from somewhere near the middle in all directions, bright as cracks are, and glass that is gone there."""
    size = picture.shape[0]
    seen = picture.copy()
    start = (int(size * chance.uniform(0.3, 0.7)), int(size * chance.uniform(0.3, 0.7)))
    for angle in chance.uniform(0, 2 * np.pi, 7):
        end = (int(start[0] + size * np.cos(angle)), int(start[1] + size * np.sin(angle)))
        cv2.line(seen, start, end, (200, 200, 200), max(1, size // 160), cv2.LINE_AA)
    cv2.circle(seen, start, size // 24, (120, 120, 120), -1)
    return seen


def seen_by_a_camera(picture: Pixels, pixels_a_module: float, chance: np.random.Generator) -> Pixels:
    """Small in a dark room, a little out of focus, with noise."""
    width = round(pixels_a_module * MODULES_ACROSS)
    scene = np.full((480, 640, 3), 90, np.uint8)
    scene[100 : 100 + width, 100 : 100 + width] = cv2.resize(picture, (width, width), interpolation=cv2.INTER_AREA)
    blurred = cv2.GaussianBlur(scene, (3, 3), 0.6).astype(np.int16)
    return np.clip(blurred + chance.integers(-10, 11, scene.shape), 0, 255).astype(np.uint8)


@pytest.mark.slow
async def test_the_code_of_a_cracked_phone_is_read_from_an_arms_length(chromium: Browser, shop: Shop) -> None:
    view = await bought(shop)
    (ticket,) = view.tickets
    text = await text_of(shop, view, ticket)
    context = await phone(chromium, shop, view)
    page = await context.new_page()
    await page.goto(f"{shop.url}/tickets/{path_part(ticket.code)}")
    picture = pixels(await page.locator(".ticket-qr").screenshot())
    await context.close()
    read = 0
    for number in range(PHONES):
        chance = np.random.default_rng(number)
        read += codes(seen_by_a_camera(cracked(picture, chance), FROM_AN_ARMS_LENGTH, chance)) == [text]
    assert read >= PHONES - 1
    from_afar = seen_by_a_camera(picture, 0.8, np.random.default_rng(1))
    assert codes(from_afar) == [], "so far away nobody reads it"
