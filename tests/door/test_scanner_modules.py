"""The scanner's modules by themselves, in Chromium: they read and check what the server reads and checks."""

import base64
import random
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from playwright.async_api import Page

from boxoffice.door.read import mistyped
from boxoffice.edge.module_files import module_url
from boxoffice.edge.vendor_files import vendor_url
from boxoffice.foundation.ids import ALPHABET, CHECK_ALPHABET, random_code, read_code, with_check
from boxoffice.tickets.code import read_payload
from tests.chromium import in_chromium
from tests.door.conftest import Door

pytestmark = in_chromium


async def call(page: Page, module: str, body: str, *values: Any) -> Any:
    """What a function body says that has the module as `it` and `values` as `values`."""
    function = f"async ([address, values]) => {{ const it = await import(address); {body} }}"
    return await page.evaluate(function, [module_url("door", f"{module}.js"), list(values)])


async def test_typed_codes_are_read_as_the_server_reads_them(page: Page) -> None:
    chance = random.Random(7)
    letters = CHECK_ALPHABET + ALPHABET.lower() + "oOiIlL -uU"
    texts = ["".join(chance.choices(letters, k=chance.randrange(0, 16))) for _ in range(3000)]
    for _ in range(3000):
        code = with_check(random_code(11))
        spoilt = chance.randrange(len(code))
        texts += [code, code.lower(), f"{code[:4]}-{code[4:8]} {code[8:]}", code[:spoilt] + "7" + code[spoilt + 1 :]]
    read = await call(page, "read", "return values[0].map(it.readCode);", texts)
    assert read == [read_code(text) for text in texts]
    assert sum(code is not None for code in read) > 9000


async def test_what_can_only_be_mistyped_is_so_here_and_at_the_server(page: Page) -> None:
    chance = random.Random(11)
    letters = CHECK_ALPHABET + ALPHABET.lower() + "oOiIlL -uU.ß"
    texts = ["".join(chance.choices(letters, k=chance.randrange(1, 27))) for _ in range(3000)]
    code = with_check(random_code(11))
    swapped = code[:5] + code[6] + code[5] + code[7:]
    texts += [code, code.lower(), code[:-1], code + "7", swapped, "", "https://example.org", "A" * 140, "Anna-Lena"]
    told = await call(page, "read", "return values[0].map(it.mistyped);", texts)
    assert told == [mistyped(text) for text in texts]
    by_text = dict(zip(texts, told, strict=True))
    assert by_text[code] is by_text[code.lower()] is by_text["https://example.org"] is by_text["A" * 140] is None
    assert by_text[code[:-1]] == by_text[code + "7"] == "mistyped"
    assert swapped == code or by_text[swapped] == "mistyped"


async def test_names_are_compared_as_the_database_folds_them(page: Page, door: Door) -> None:
    letters = [chr(place) for place in range(0xC0, 0x180) if chr(place).isalpha()] + list("ɓɖɗɛƒɠɨƙɲƥƭʋƴƶẞ")
    names = [
        "Stanisław Sørensen-Strauß",
        "O'Neill",
        "O’Neill",
        "Kaʻiulani",
        "Łukasz Đoković",
        " Anna  -  Lena ",
        "Æsa Þór",
    ]
    texts = [f"a{letter}b" for letter in letters if letter not in "Ŀŀ"] + names
    told = await call(page, "names", "return values[0].map(it.plain);", texts)
    folded = await door.value(
        "SELECT array_agg(folded(text) ORDER BY number) FROM unnest($1::text[]) WITH ORDINALITY AS one (text, number)",
        texts,
    )
    assert dict(zip(texts, told, strict=True)) == dict(zip(texts, folded, strict=True))


@pytest.mark.parametrize(
    ("name", "typed"),
    [
        (
            "Stanisław Sørensen Strauß",
            ["stanislaw", "sorensen strauss", "SØRENSEN", "soerensen", "Strauß", "staław"[3:]],
        ),
        ("O'Neill", ["oneill", "o'neill", "O’NEILL", "o neill"]),
        ("Oneill", ["O'Neill"]),
        ("Anna-Lena Müller", ["annalena", "anna lena", "Anna-Lena", "mueller", "MULLER", "müller"]),
        ("Jörg Mueller", ["joerg müller", "jorg"]),
        ("Đorđe Hafþór", ["dorde hafthor"]),
        ("نور الهدى", ["الهدى"]),
    ],
)
async def test_a_name_is_found_however_it_is_typed(page: Page, name: str, typed: list[str]) -> None:
    body = "return values[1].map((one) => it.isIn(it.searchable([values[0]]), it.wordsOf(one)));"
    assert await call(page, "names", body, name, typed) == [True] * len(typed)
    assert await call(page, "names", body, name, ["jan", "zoe anna", "annal ena x"]) == [False] * 3


async def test_companions_are_not_asked_for_a_name(page: Page) -> None:
    party = {"name": "Anna Blum", "plus": 1, "size": 2, "inside": [], "waiting": []}
    entry = {"answer": "admitted", "checks": ["age", "name"], "holder": "With Anna Blum", "party": party}
    body = "return it.checks(values[0], 18);"
    assert await call(page, "words", body, entry) == ["Check age: 18+"]
    named = ["Check age: 18+", "Check name: \u2068With Anna Blum\u2069"]
    assert await call(page, "words", body, entry | {"party": None}) == named  # somebody who bought is called so
    guest = entry | {"holder": "Anna Blum"}
    assert await call(page, "words", body, guest) == ["Check age: 18+", "Check name: \u2068Anna Blum\u2069"]


@pytest.mark.parametrize("library", [False, True], ids=["webcrypto", "noble"])
async def test_a_payload_with_any_letter_changed_is_not_genuine(page: Page, door: Door, library: bool) -> None:
    (code,) = await door.tickets()
    text = await door.payload(code)
    payload = read_payload(text)
    assert payload is not None
    scanner = await door.scanner()
    (key,) = (await scanner.sync())["keys"]
    changed = [text[:at] + ("A" if text[at] != "A" else "B") + text[at + 1 :] for at in range(len(text))]
    if library:
        await page.evaluate(
            "() => { SubtleCrypto.prototype.importKey = async () => { throw new Error('not there'); }; }"
        )
    address = vendor_url("ed25519", "index.js")
    read = await page.evaluate(
        """async ([reader, verifier, library, key, texts]) => {
          const [{ read }, { genuine }] = await Promise.all([import(reader), import(verifier)]);
          return await Promise.all(texts.map(async (text) => {
            const shown = read(text);
            return shown && [shown.eventCode, shown.ticketId, shown.revision, shown.keyNumber,
              await genuine(key, shown.signed, shown.signature, library)];
          }));
        }""",
        [module_url("door", "read.js"), module_url("door", "verify.js"), address, key["key"], [text, *changed]],
    )
    assert read[0] == [payload.event_code, str(payload.ticket_id), payload.revision, payload.key_number, True]
    assert [one for one in read[1:] if one and one[4]] == []
    assert [one is None for one in read] == [read_payload(one) is None for one in [text, *changed]]


async def test_a_rotating_code_is_of_now_where_the_server_says_so(page: Page, door: Door) -> None:
    (code,) = await door.tickets()
    await door.execute("UPDATE event SET code = 'rotating', paper = false")
    made, scanner = await door.rotating(code), await door.scanner()
    (key,) = (await scanner.sync())["keys"]
    public, secret = base64.b64decode(key["key"]), base64.b64decode(key["fresh"])
    moment = datetime(2026, 12, 4, 23, 0, 7, tzinfo=UTC)
    offsets = [*range(-200, 201, 7), -11.4 * 86400, 400 * 86400]
    texts = [made.text_at(moment + timedelta(seconds=offset)) for offset in offsets]
    texts += [texts[28][:at] + ("A" if texts[28][at] != "A" else "B") + texts[28][at + 1 :] for at in range(152)]
    told = await page.evaluate(
        """async ([reader, fresh, secret, texts, now]) => {
          const [{ read }, { isFresh }] = await Promise.all([import(reader), import(fresh)]);
          return await Promise.all(texts.map(async (text) => {
            const shown = read(text);
            return shown?.proof ? await isFresh(secret, shown, now) : null;
          }));
        }""",
        [module_url("door", "read.js"), module_url("door", "fresh.js"), key["fresh"], texts, moment.timestamp() * 1000],
    )
    ours: list[bool | None] = []
    for text in texts:
        payload = read_payload(text)
        ours.append(payload.is_fresh(secret, moment) if payload else None)
    assert told == ours
    assert sum(bool(one) for one in told[: len(offsets)]) == 20
    genuine = [payload and payload.genuine(public) for payload in map(read_payload, texts[len(offsets) :])]
    assert not any(fresh and good for fresh, good in zip(told[len(offsets) :], genuine, strict=True))


@pytest.mark.parametrize(
    ("answered", "kept", "follows"),
    [
        ("admitted", "admitted", None),
        ("admitted", "already_used", "door"),
        ("admitted", "unknown", "door"),
        ("left", "not_inside", "door"),
        ("unknown", "admitted", "undo"),
        ("already_used", "admitted", "undo"),
        ("already_used", "refunded", None),
    ],
)
async def test_what_follows_when_the_server_kept_another_answer(
    page: Page, answered: str, kept: str, follows: str | None
) -> None:
    """And what follows has an end: it follows from nothing that it causes itself."""
    item = {"nonce": "one", "state": "waiting", "scanned_at": "2026-12-04T23:00:00Z", "payload": "x", "order": 1}
    item |= {"direction": "in", "answered": answered}
    body = "const next = it.following(values[0], values[1]); return next && [next, it.following(next, next.answered)];"
    told = await call(page, "queue", body, item, kept)
    if follows is None:
        assert told is None
        return
    (following, after) = told
    assert (following["nonce"], following["state"], after) == (f"one.{follows}", "waiting", None)
    assert following["answered"] == (answered if follows == "door" else "undone")


async def test_a_scan_is_told_as_that_of_the_scanner_that_made_it(page: Page) -> None:
    """And so is what a crash takes back; one of a version that kept no scanner is the phone's own."""
    item = {"nonce": "one", "state": "asking", "scanned_at": "2026-12-04T23:00:00Z", "code": "C", "order": 1}
    body = (
        "const { device, told_by } = it.bodyOf(it.afterCrash(values[0]), 'Back', 0); return [device, told_by ?? null];"
    )
    told = [await call(page, "queue", body, item | more) for more in ({"device": "Main"}, {"device": "Back"}, {})]
    assert told == [["Main", "Back"], ["Back", None], ["Back", None]]


async def test_alone_it_answers_by_signature_and_list(page: Page) -> None:
    door = {"event_code": "ABCD", "re_entry": False, "opens_at": "2026-12-04T22:00:00Z"}
    shown = {"eventCode": "ABCD", "ticketId": "t", "revision": 2}
    good = {"id": "t", "status": "good", "revision": 2}
    late = 1796425200000  # 2026-12-04 23:00 UTC
    for changes, expected in (
        ({}, "admitted"),
        ({"shown": None}, "unknown"),
        ({"shown": shown | {"eventCode": "WXYZ"}}, "wrong_event"),
        ({"shown": {"eventCode": "ABCD", "code": "C"}, "ticket": None}, "unknown"),
        ({"ticket": None}, "admitted"),
        ({"ticket": good | {"revision": 3}}, "cancelled"),
        ({"ticket": good | {"revision": 3, "old_codes": ["C"]}}, "cancelled"),
        ({"shown": {"eventCode": "ABCD", "code": "C"}, "ticket": good | {"old_codes": ["C"]}}, "cancelled"),
        ({"shown": {"eventCode": "ABCD", "code": "D"}, "ticket": good | {"old_codes": ["C"]}}, "admitted"),
        ({"ticket": good | {"revision": 1}}, "admitted"),
        ({"shown": shown | {"fresh": False}}, "cancelled"),
        ({"shown": shown | {"retired": True}}, "cancelled"),
        ({"shown": shown | {"retired": True}, "ticket": None}, "cancelled"),
        ({"shown": shown | {"retired": True}, "override": True}, "admitted"),
        ({"shown": shown | {"fresh": True}, "door": door | {"takes_paper": False}}, "admitted"),
        ({"door": door | {"takes_paper": False}}, "cancelled"),
        ({"door": door | {"takes_paper": False}, "isFound": True}, "admitted"),
        ({"ticket": None, "shown": shown | {"fresh": False}}, "cancelled"),
        ({"ticket": good | {"status": "refunded"}}, "refunded"),
        ({"ticket": good | {"status": "cancelled"}, "own": "used"}, "cancelled"),
        ({"ticket": good | {"status": "blocked"}}, "blocked"),
        ({"ticket": good | {"status": "wrong_list"}}, "wrong_list"),
        ({"ticket": good | {"status": "used"}}, "already_used"),
        ({"ticket": good | {"status": "used"}, "own": "good"}, "admitted"),
        ({"ticket": good | {"status": "used"}, "override": True}, "admitted"),
        ({"own": "used"}, "already_used"),
        ({"own": "left"}, "already_used"),
        ({"own": "left", "door": door | {"re_entry": True}}, "admitted"),
        ({"own": "used", "isExit": True}, "left"),
        ({"isExit": True}, "not_inside"),
        ({"now": late - 7_200_000}, "not_yet"),
        ({"lastEntry": "2026-12-04T23:00:01Z"}, "admitted"),
        ({"lastEntry": "2026-12-04T23:00:00Z"}, "blocked"),
        ({"lastEntry": "2026-12-04T23:00:00Z", "override": True}, "admitted"),
        ({"lastEntry": "2026-12-04T23:00:00Z", "ticket": good | {"status": "used"}}, "already_used"),
        ({"lastEntry": "2026-12-04T23:00:00Z", "own": "left", "door": door | {"re_entry": True}}, "admitted"),
        ({"lastEntry": "2026-12-04T23:00:00Z", "own": "used", "isExit": True}, "left"),
    ):
        asked = {"shown": shown, "ticket": good, "door": door, "now": late} | changes
        body = "if (values[0].ticket === null) delete values[0].ticket; return it.answerAlone(values[0]);"
        assert await call(page, "answer", body, asked) == expected, changes


@pytest.mark.parametrize(
    ("frames", "scanned"),
    [
        ([["T1"]] * 60, ["T1"]),
        ([["T1"], [], ["T1"]] * 20, ["T1"]),
        ([["T1"], *[[]] * 40, ["T1"]], ["T1", "T1"]),
        ([["www", "T1"]] * 20, ["T1"]),
        ([["www"], ["www", "T1"], *[["www"]] * 20], ["T1"]),
        ([["www"]] * 20, ["www"]),
        ([["www", "menu"]] * 20, ["www"]),
        ([*[["www"]] * 10, *[["www", "menu"]] * 10], ["www", "menu"]),
        ([["T1", "T2"]] * 60, ["T1"]),
        ([*[["T1", "T2"]] * 20, *[["T2"]] * 20], ["T1", "T2"]),
        ([*[["T1"]] * 5, "shut", *[["T1", "T2"]] * 60, "open", *[["T1", "T2"]] * 5, *[["T2"]] * 10], ["T1", "T2"]),
    ],
)
async def test_one_code_of_the_picture_is_scanned_a_ticket_before_others(
    page: Page, frames: list[Any], scanned: list[str]
) -> None:
    """Frames of 80 ms; a ticket's code begins with T."""
    body = """let isWanted = true;
    const picture = new it.Picture((text) => text.startsWith("T"), () => isWanted);
    return values[0].map((frame, place) => {
      if (typeof frame !== "string") return picture.next(frame, place * 80);
      isWanted = frame === "open";
      return null;
    }).filter(Boolean);"""
    assert await call(page, "picture", body, frames) == scanned
