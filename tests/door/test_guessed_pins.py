"""PINs that are guessed all at once: five are tried, however many come in the same moment."""

import asyncio
from collections import Counter

import pytest

from boxoffice.door import device
from boxoffice.door.device import WRONG_PINS_MAX, MadeLink
from boxoffice.foundation.db import Query
from tests.door.conftest import Door

GUESSES = 40


async def guessed_at_once(door: Door, made: MadeLink) -> Counter[str]:
    """What is answered to many wrong PINs of one link in the same moment."""
    wrong = [f"{number:06}" for number in range(GUESSES + 1) if f"{number:06}" != made.pin][:GUESSES]
    answers = await asyncio.gather(*(door.pair(made, pin) for pin in wrong))
    return Counter(answer.json()["type"] for answer in answers)


async def test_however_many_guess_at_once_five_are_tried(door: Door) -> None:
    made = await door.link()
    told = await guessed_at_once(door, made)
    assert told == {"wrong_pin": WRONG_PINS_MAX - 1, "link_locked": GUESSES - WRONG_PINS_MAX + 1}
    assert await door.value("SELECT wrong_pins FROM device") == WRONG_PINS_MAX
    assert (await door.pair(made)).json()["type"] == "link_locked"
    assert await door.value("SELECT count(*) FROM device WHERE token_hash IS NOT NULL") == 0


async def test_without_the_links_lock_more_are_tried(door: Door, monkeypatch: pytest.MonkeyPatch) -> None:
    """The negative control of the test above; a moment passes between looking and counting."""
    unlocked = device.LOCK_LINK.sql.replace("FOR UPDATE OF device", "").replace(
        "WHERE", "CROSS JOIN pg_sleep(0.1) WHERE"
    )
    assert "FOR UPDATE" in device.LOCK_LINK.sql
    monkeypatch.setattr(device, "LOCK_LINK", Query(device.LOCK_LINK.row, unlocked))
    assert (await guessed_at_once(door, await door.link()))["wrong_pin"] >= WRONG_PINS_MAX
    assert await door.value("SELECT wrong_pins FROM device") > WRONG_PINS_MAX
