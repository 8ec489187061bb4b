import asyncio
import random

import pytest

from boxoffice.foundation.batcher import Batcher
from boxoffice.foundation.problems import Unavailable

FULL = "The cloakroom is full."


async def test_those_who_wait_together_share_a_flush_in_arrival_order() -> None:
    batches: list[list[int]] = []

    async def flush(items: list[int]) -> list[int]:
        batches.append(items)
        await asyncio.sleep(0.01)
        return [item * 2 for item in items]

    batcher = Batcher(flush, crowded=FULL)
    answers = await asyncio.gather(*(batcher.submit(number) for number in range(600)))
    assert answers == [number * 2 for number in range(600)]
    assert [number for batch in batches for number in batch] == list(range(600))
    assert max(map(len, batches)) <= 512
    assert len(batches) <= 3


async def test_one_batch_after_the_other_and_nobody_is_left_waiting() -> None:
    under_way, most = 0, 0

    async def flush(items: list[int]) -> list[int]:
        nonlocal under_way, most
        under_way += 1
        most = max(most, under_way)
        await asyncio.sleep(0.002)
        under_way -= 1
        return items

    batcher = Batcher(flush, crowded=FULL)

    async def one_after_the_other(number: int) -> None:
        for turn in range(50):
            await asyncio.sleep(random.random() / 500)
            assert await batcher.submit(number + turn) == number + turn

    await asyncio.gather(*(one_after_the_other(number) for number in range(7)))
    assert most == 1


async def test_one_bad_item_fails_alone() -> None:
    async def flush(items: list[int]) -> list[int]:
        if 7 in items:
            raise ValueError("seven")
        return items

    batcher = Batcher(flush, crowded=FULL)
    answers = await asyncio.gather(*(batcher.submit(number) for number in range(20)), return_exceptions=True)
    assert [type(answer) for answer in answers].count(ValueError) == 1
    assert isinstance(answers[7], ValueError)
    assert answers[:7] + answers[8:] == [*range(7), *range(8, 20)]


async def test_a_full_queue_and_a_late_turn_are_refused_in_its_makers_words() -> None:
    gate = asyncio.Event()
    flushed: list[int] = []

    async def flush(items: list[int]) -> list[int]:
        flushed.extend(items)
        await gate.wait()
        return items

    batcher = Batcher(flush, crowded=FULL, queue_max=2)
    first = asyncio.create_task(batcher.submit(1))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    late = asyncio.create_task(batcher.submit(2, within_seconds=-1))
    gone = asyncio.create_task(batcher.submit(3))
    await asyncio.sleep(0)
    with pytest.raises(Unavailable, match=FULL):
        await batcher.submit(4)
    gone.cancel()
    gate.set()
    assert await first == 1
    with pytest.raises(Unavailable, match=FULL):
        await late
    assert flushed == [1]
