"""Who came in is a pure function of the scans, in whatever order devices tell of them."""

import random
from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime, timedelta
from itertools import permutations
from uuid import UUID

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from boxoffice.door import report, scan
from boxoffice.door.visits import Passage, Visit, visits
from tests.conftest import Amount
from tests.door.conftest import Door, Scanner
from tests.rewritten import rewritten
from tests.shop import Json

NIGHT = datetime(2026, 11, 28, 22, tzinfo=UTC)
DEVICES = [UUID(int=number) for number in range(1, 6)]
REPLACED = "left_at = it.left_at\n      WHERE event_id = p_event"
SCANS_TOLD = """
SELECT device_id, nonce, ticket_id, answer, online, corrected_at,
  EXISTS (SELECT FROM entry WHERE entry.device_id = scan.device_id AND entry.nonce = scan.nonce) AS is_entry,
  EXISTS (SELECT FROM scan AS undo WHERE undo.undoes_device_id = scan.device_id AND undo.undoes_nonce = scan.nonce)
    AS undone
FROM scan
"""


class Sent(msgspec.Struct, frozen=True):
    """A scan as it is told, and when it was by our clock."""

    scanner: Scanner
    body: Json
    at: datetime

    @property
    def key(self) -> tuple[str, str]:
        """Its device and nonce."""
        return self.scanner.id, str(self.body["nonce"])


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
    """Random nights of five scanners, one of them online, whose clocks are off by up to a day: in whatever order the
    others tell of them, the same is kept, it is what all scans together say, and none is lost."""
    histories = amount(12, soak=10_000)
    scans = 0
    async for told in _histories(door, histories):
        assert told.first == told.second, f"history {told.number}"
        assert told.lost == [], f"history {told.number}"
        scans += told.scans
    amount.show(f"{histories} histories of 5 devices, {scans} scans: each the same in two orders, none lost")


async def test_if_the_first_to_sync_stayed_the_order_would_matter(door: Door) -> None:
    """The negative control of the test above: an entry that stands is never replaced by one that comes before it."""
    await door.execute(rewritten("keep_book", (REPLACED, f"{REPLACED} AND false")))
    told = [one async for one in _histories(door, 12)]
    assert any(one.first != one.second for one in told)
    assert any(one.lost for one in told)


async def test_with_clocks_that_nobody_puts_right_scans_are_where_they_never_were(
    door: Door, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same of the correction of clocks: without it the history is found to be lost."""
    monkeypatch.setattr(scan, "_corrected", lambda _now, _device, asked: asked.scanned_at)  # pyright: ignore[reportUnknownLambdaType]
    assert [told.number async for told in _histories(door, 3) if told.lost]


class Told(msgspec.Struct, frozen=True):
    """A history that was told in two orders: what was kept of each, and what is wrong with the second."""

    number: int
    first: object
    second: object
    lost: list[str]
    scans: int


async def _histories(door: Door, number: int) -> AsyncIterator[Told]:
    chance = random.Random(6)
    scanners = [await door.scanner(f"Gate {place}") for place in range(5)]
    await door.execute("UPDATE stock SET cap = 1000000")
    await door.execute("UPDATE entry_list SET opens_at = '2020-01-01'")
    codes: list[str] = []
    for place in range(number):
        if place % 25 == 0:
            codes = await door.tickets(6)
        re_entry = chance.random() < 0.5
        await door.execute("UPDATE entry_list SET re_entry = $1", re_entry)
        online, later = _online(chance, scanners[0], codes), _history(chance, scanners[1:], codes)
        kept: list[object] = []
        lost: list[str] = []
        for _ in range(2):
            chance.shuffle(later)
            await _tell(chance, door, online + later)
            kept.append(await _kept(door))
            lost = await _lost(door, online + later, re_entry=re_entry)
            await _forget(door)
        yield Told(place, kept[0], kept[1], lost, len(online) + len(later))


def _online(chance: random.Random, scanner: Scanner, codes: Sequence[str]) -> list[Sent]:
    """What one scanner asked the box office, before any of the others has told of anything."""
    now = scanner.shop.box.db.moved_clock
    assert now is not None
    asked = [scanner.body(chance.choice(codes), direction=chance.choice(("in", "in", "out"))) for _ in range(3)]
    return [Sent(scanner, body, now) for body in asked]


def _history(chance: random.Random, scanners: Sequence[Scanner], codes: Sequence[str]) -> list[Sent]:
    now = scanners[0].shop.box.db.moved_clock
    assert now is not None
    sent: list[Sent] = []
    for scanner in scanners:
        scanner.clock_is_off = timedelta(seconds=chance.uniform(-86_400, 86_400))
        for _ in range(chance.randrange(5)):
            out = chance.random() < 0.3
            body = scanner.body(
                chance.choice(codes), direction="out" if out else "in", answered="left" if out else "admitted"
            )
            at = now - timedelta(seconds=chance.randrange(3600))
            sent.append(Sent(scanner, body | {"scanned_at": (at + scanner.clock_is_off).isoformat()}, at))
            if chance.random() < 0.2:
                undo = scanner.body("", undo={"nonce": str(body["nonce"]), "reason": "mistake"}, answered="undone")
                sent.append(Sent(scanner, {name: value for name, value in undo.items() if name != "code"}, now))
    return sent


async def _tell(chance: random.Random, door: Door, sent: Sequence[Sent]) -> None:
    """One scan after the other, some of them twice at once."""
    now = door.shop.box.db.moved_clock
    assert now is not None
    for one in sent:
        whole = one.body | {"sent_at": (now + one.scanner.clock_is_off).isoformat()}
        answer = await one.scanner.send([whole, whole] if chance.random() < 0.2 else whole)
        assert answer.status_code == 200, answer.text


async def _kept(door: Door) -> object:
    async with door.shop.box.db.transaction() as connection:
        entries = await connection.fetch(
            "SELECT list_id, ticket_id, visit, device_id, nonce, entered_at, left_at FROM entry ORDER BY 2, 3"
        )
        used = await connection.fetch("SELECT id, status, used_at FROM ticket ORDER BY id")
    return [tuple(row) for row in entries], [tuple(row) for row in used]


async def _lost(door: Door, sent: Sequence[Sent], *, re_entry: bool) -> list[str]:
    """What was told and is not where it should be: written down, by our clock, and each admission either the entry or a
    conflict of the report. Without re-entry we know which one counts: the first that we answered, else the first."""
    async with door.shop.box.db.transaction() as connection:
        rows = await connection.fetch(SCANS_TOLD)
        conflicts = await report.CONFLICTS.all(connection, door.event_id)
    told = {(str(row["device_id"]), row["nonce"]): row for row in rows}
    lost = [
        f"{one.body['nonce']} is not kept as of then"
        for one in sent
        if "answered" in one.body and told.get(one.key, {"corrected_at": None})["corrected_at"] != one.at
    ]
    lost += [f"{one.body['nonce']} is not kept" for one in sent if one.key not in told]
    standing = [row for row in rows if row["answer"] == "admitted" and not row["undone"]]
    if sum(row["is_entry"] for row in standing) + len(conflicts) != len(standing):
        lost.append("an admission is neither entry nor conflict")
    if not re_entry:
        for ticket_id in {row["ticket_id"] for row in standing}:
            of_one = [row for row in standing if row["ticket_id"] == ticket_id]
            first = min(
                of_one, key=lambda row: (not row["online"], row["corrected_at"], row["device_id"], row["nonce"])
            )
            if [row["nonce"] for row in of_one if row["is_entry"]] != [first["nonce"]]:
                lost.append(f"{ticket_id} came in by another scan")
    return lost


async def _forget(door: Door) -> None:
    await door.execute("DELETE FROM entry")
    await door.execute("TRUNCATE scan CASCADE")
    await door.execute("UPDATE ticket SET status = 'active', used_at = NULL WHERE status = 'used'")
