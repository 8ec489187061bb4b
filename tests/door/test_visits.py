"""Who came in is a pure function of the scans, in whatever order devices tell of them."""

import random
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from itertools import permutations
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from boxoffice.door.visits import Passage, Visit, visits
from tests.conftest import Amount
from tests.door.conftest import Door, Scanner
from tests.shop import Json

NIGHT = datetime(2026, 11, 28, 22, tzinfo=UTC)
DEVICES = [UUID(int=number) for number in range(1, 6)]


def passage(device: int, minute: int, **more: bool) -> Passage:
    settings = {"is_exit": False, "online": True} | more
    return Passage(DEVICES[device], f"nonce-{device}-{minute}", at=NIGHT + timedelta(minutes=minute), **settings)


passages = st.lists(
    st.builds(
        passage,
        st.integers(0, 4),
        st.integers(0, 20),
        is_exit=st.booleans(),
        online=st.booleans(),
        override=st.sampled_from([False, False, False, True]),
    ),
    max_size=6,
    unique_by=lambda one: (one.device_id, one.nonce),
)


@given(passages, st.booleans(), st.randoms(use_true_random=False))
def test_any_order_gives_one_result(scans: list[Passage], re_entry: bool, chance: random.Random) -> None:
    shuffled = list(scans)
    chance.shuffle(shuffled)
    assert visits(shuffled, re_entry=re_entry) == visits(scans, re_entry=re_entry)


@given(passages, st.booleans())
def test_nobody_is_lost_and_without_re_entry_only_a_supervisor_lets_in_again(
    scans: list[Passage], re_entry: bool
) -> None:
    found = visits(scans, re_entry=re_entry)
    told = [one for visit in found for one in (visit.winner, *visit.losers)]
    assert sorted(told, key=lambda one: one.order) == sorted(
        (one for one in scans if not one.is_exit), key=lambda one: one.order
    )
    if not re_entry:
        assert len(found) <= 1 + sum(one.override for one in scans)


def test_what_we_answered_comes_before_what_a_device_answered_alone() -> None:
    early, late = passage(0, 1, online=False), passage(1, 9)
    assert visits([early, late], re_entry=False) == [Visit(late, [early])]


def test_an_exit_ends_a_visit_and_re_entry_begins_the_next() -> None:
    scans = [passage(0, 1), passage(1, 5, is_exit=True), passage(0, 9)]
    left = NIGHT + timedelta(minutes=5)
    assert visits(scans, re_entry=True) == [Visit(scans[0], [], left), Visit(scans[2])]
    assert visits(scans, re_entry=False) == [Visit(scans[0], [scans[2]], left)]
    assert all(visits(order, re_entry=True) == visits(scans, re_entry=True) for order in permutations(scans))


async def test_devices_with_wrong_clocks_sync_in_any_order(door: Door, amount: Amount) -> None:
    """Random nights of five scanners, one of them online, whose clocks are off by up to a day: what is kept is what all
    scans together say, and in whatever order they come it is the same."""
    chance = random.Random(6)
    scanners = [await door.scanner(f"Gate {number}") for number in range(5)]
    await door.execute("UPDATE stock SET cap = 1000000")
    histories = amount(12, soak=10_000)
    codes: list[str] = []
    for number in range(histories):
        if number % 25 == 0:
            codes = await door.tickets(6)
        re_entry = chance.random() < 0.5
        await door.execute("UPDATE entry_list SET re_entry = $1", re_entry)
        sent = _history(chance, scanners, codes)
        results: list[object] = []
        for _ in range(2):
            chance.shuffle(sent)
            await _tell(chance, door, sent)
            results.append(await _kept(door))
            await _forget(door)
        assert results[0] == results[1], f"history {number}"
    amount.show(f"{histories} histories of 5 devices: each the same in two orders")


def _history(chance: random.Random, scanners: Sequence[Scanner], codes: Sequence[str]) -> list[tuple[Scanner, Json]]:
    sent: list[tuple[Scanner, Json]] = []
    for scanner in scanners:
        scanner.clock_is_off = timedelta(seconds=chance.uniform(-86_400, 86_400))
        for _ in range(chance.randrange(4)):
            out = chance.random() < 0.3
            body = scanner.body(
                chance.choice(codes), direction="out" if out else "in", answered="left" if out else "admitted"
            )
            told = datetime.fromisoformat(str(body["scanned_at"])) - timedelta(seconds=chance.randrange(3600))
            sent.append((scanner, body | {"scanned_at": told.isoformat()}))
            if chance.random() < 0.2:
                undo = scanner.body("", undo={"nonce": str(body["nonce"]), "reason": "mistake"}, answered="undone")
                sent.append((scanner, {name: value for name, value in undo.items() if name != "code"}))
    return sent


async def _tell(chance: random.Random, door: Door, sent: Sequence[tuple[Scanner, Json]]) -> None:
    """One scan after the other, or several of a device at once, some of them twice."""
    now = door.shop.box.db.moved_clock
    assert now is not None
    for scanner, body in sent:
        whole = body | {"sent_at": (now + scanner.clock_is_off).isoformat()}
        answer = await scanner.send([whole, whole] if chance.random() < 0.2 else whole)
        assert answer.status_code == 200, answer.text


async def _kept(door: Door) -> object:
    async with door.shop.box.db.transaction() as connection:
        entries = await connection.fetch(
            "SELECT list_id, ticket_id, visit, device_id, nonce, entered_at, left_at FROM entry ORDER BY 2, 3"
        )
        used = await connection.fetch("SELECT id, status, used_at FROM ticket ORDER BY id")
    return [tuple(row) for row in entries], [tuple(row) for row in used]


async def _forget(door: Door) -> None:
    await door.execute("DELETE FROM entry")
    await door.execute("TRUNCATE scan CASCADE")
    await door.execute("UPDATE ticket SET status = 'active', used_at = NULL WHERE status = 'used'")
