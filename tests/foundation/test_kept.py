"""One makes, the others wait."""

import asyncio

import pytest

from boxoffice.foundation.kept import Kept


async def test_a_hundred_who_ask_at_once_are_served_by_one() -> None:
    kept, made = Kept[int](60), 0

    async def make() -> int:
        nonlocal made
        made += 1
        await asyncio.sleep(0.01)
        return made

    assert await asyncio.gather(*(kept.get("a", make) for _ in range(100))) == [1] * 100
    assert await kept.get("b", make) == 2


async def test_what_is_too_old_is_made_again() -> None:
    kept, numbers = Kept[int](0), iter(range(10))

    async def make() -> int:
        return next(numbers)

    assert [await kept.get("a", make) for _ in range(3)] == [0, 1, 2]


async def test_a_failure_reaches_every_waiter_and_is_not_kept() -> None:
    kept, tries = Kept[int](60), 0

    async def make() -> int:
        nonlocal tries
        tries += 1
        await asyncio.sleep(0)
        if tries == 1:
            raise OSError
        return tries

    answers = await asyncio.gather(*(kept.get("a", make) for _ in range(5)), return_exceptions=True)
    assert all(isinstance(answer, OSError) for answer in answers)
    assert await kept.get("a", make) == 2


async def test_a_waiter_who_goes_away_stops_nobody() -> None:
    kept = Kept[int](60)

    async def make() -> int:
        await asyncio.sleep(0.05)
        return 1

    first = asyncio.create_task(kept.get("a", make))
    await asyncio.sleep(0.01)
    second = asyncio.create_task(kept.get("a", make))
    await asyncio.sleep(0.01)
    first.cancel()
    with pytest.raises(asyncio.CancelledError):
        await first
    assert await second == 1
