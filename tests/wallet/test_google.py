"""Links that save tickets in Google Wallet, and what Google is told when something changes."""

from dataclasses import replace

import pytest

from boxoffice.edge.render import path_part
from boxoffice.orders.access import access_token
from boxoffice.orders.order import OrderView
from boxoffice.tickets.code import read_payload
from boxoffice.worker import wallets
from tests.nights import load
from tests.wallet.conftest import BASE, House
from tests.wallet.google_service import Json
from tests.wallet.jwt import claims_of
from tests.wallet.keys import ISSUER, SERVICE_ACCOUNT
from tests.web.cast import ENTRY_ENDS, LONG_NIGHT, paid

SAVE = "https://pay.google.com/gp/v/save/"


async def claims(house: House, path: str) -> Json:
    """What the link says that the address leads to."""
    answer = await house.browser.get(path)
    assert answer.status_code == 303, answer.text
    assert answer.headers["cache-control"] == "no-store"
    link = answer.headers["location"]
    assert link.startswith(SAVE)
    assert len(link) <= len(SAVE) + 1800
    return claims_of(link.removeprefix(SAVE))


async def saved(house: House, view: OrderView, number: int = 0) -> tuple[Json, Json]:
    """Mara keeps the ticket: the class and the object that Google has of it."""
    house.enter(view)
    (named,) = (await claims(house, ticket(view, number)))["payload"]["eventTicketObjects"]
    house.google.calls.clear()
    return house.google.kept[named["classId"]], house.google.kept[named["id"]]


def ticket(view: OrderView, number: int = 0) -> str:
    return f"/tickets/{path_part(view.tickets[number].code)}/google-wallet"


async def test_the_link_names_what_google_was_told_of_night_and_ticket(house: House) -> None:
    view = await paid(house.box, quantity=1, names=("Mara Winterfeld",))
    house.enter(view)
    said = await claims(house, ticket(view))
    assert (said["iss"], said["aud"], said["typ"]) == (SERVICE_ACCOUNT, "google", "savetowallet")
    assert said["origins"] == [BASE.removeprefix("https://")]
    night, kept = await saved(house, view)
    assert said["payload"] == {"eventTicketObjects": [{"id": kept["id"], "classId": night["id"]}]}
    assert kept["classId"] == night["id"]
    assert night["id"].startswith(f"{ISSUER}.")
    assert (night["issuerName"], night["reviewStatus"]) == ("Tiefdruck", "UNDER_REVIEW")
    assert night["eventName"]["defaultValue"]["value"] == "Tiefdruck Eins"
    assert night["venue"]["name"]["defaultValue"]["value"] == "Keller Drei"
    assert night["dateTime"]["doorsOpen"][10:] == "T22:00:00+01:00"
    assert (kept["state"], kept["ticketHolderName"]) == ("ACTIVE", "Mara Winterfeld")
    assert kept["faceValue"] == {"micros": "12000000", "currencyCode": "EUR"}
    assert kept["barcode"]["type"] == "QR_CODE"
    payload = read_payload(kept["barcode"]["value"])
    assert payload is not None
    assert payload.ticket_id == view.tickets[0].id


@pytest.mark.parametrize("ends", ENTRY_ENDS)
async def test_google_is_told_for_how_many_a_ticket_is_and_until_when(house: House, ends: str) -> None:
    view = await paid(house.box, quantity=1)
    _, kept = await saved(house, view)
    assert [one["id"] for one in kept["textModulesData"]] == ["status"]
    await house.execute("UPDATE ticket_type SET admits = 6")
    await house.execute(ENTRY_ENDS[ends])
    await house.work()
    assert kept["textModulesData"][1:] == [{"id": "rule", "header": "Entry", "body": "For 6 people, entry until 00:30"}]
    await house.execute("UPDATE ticket_type SET admits = 1, last_entry_at = NULL")
    await house.execute("UPDATE entry_list SET last_entry_at = NULL")
    await house.work()
    assert [one["id"] for one in kept["textModulesData"]] == ["status"]


@pytest.mark.parametrize(("currency", "micros"), [("jpy", "1200000000"), ("kwd", "1200000"), ("eur", "12000000")])
async def test_prices_are_millionths_of_the_major_unit(house: House, currency: str, micros: str) -> None:
    view = await paid(house.box, quantity=1)
    await house.execute("UPDATE orders SET currency = $1", currency)
    _, kept = await saved(house, view)
    assert kept["faceValue"] == {"micros": micros, "currencyCode": currency.upper()}


async def test_a_night_in_which_clocks_change_has_the_right_moments(house: House) -> None:
    view = await paid(house.box, quantity=1)
    await house.execute(
        """UPDATE event SET doors_at = '2026-10-24 22:00+02', starts_at = '2026-10-24 23:00+02',
        ends_at = '2026-10-25 06:00+01'"""
    )
    night, _ = await saved(house, view)
    assert night["dateTime"] == {
        "doorsOpen": "2026-10-24T22:00:00+02:00",
        "start": "2026-10-24T23:00:00+02:00",
        "end": "2026-10-25T06:00:00+01:00",
    }


async def test_an_orders_tickets_are_five_to_a_link_however_long_their_names(house: House) -> None:
    name = "نور الهدى بنت عبد الرحمن 🎧 " * 3
    view = await paid(house.box, quantity=7, names=(name.strip(),))
    house.enter(view)
    path = f"/orders/{path_part(view.order.code)}/google-wallet"
    first, second = [(await claims(house, f"{path}?part={part}"))["payload"] for part in (1, 2)]
    assert [len(one["eventTicketObjects"]) for one in (first, second)] == [5, 2]
    assert (await house.browser.get(f"{path}?part=3")).status_code == 404
    assert len(house.google.kept) == 8
    told = house.google.kept[first["eventTicketObjects"][0]["id"]]
    assert told["ticketHolderName"] == name.strip()
    assert house.google.tokens == 1, "one token is enough"


async def test_google_being_away_is_a_sentence(house: House) -> None:
    view = await paid(house.box, quantity=1)
    house.enter(view)
    house.google.down = True
    answer = await house.browser.get(f"/orders/{path_part(view.order.code)}/google-wallet")
    assert answer.status_code == 503
    assert "Google Wallet does not answer. Try again later: the ticket&#39;s page opens the door." in answer.text
    assert '<a class="button" href="/tickets">My tickets</a>' in answer.text
    house.google.down = False
    assert (await house.browser.get(f"/orders/{path_part(view.order.code)}/google-wallet")).status_code == 303


async def test_a_mailed_link_leads_to_google_and_leaves_its_token_behind(house: House) -> None:
    view = await paid(house.box, quantity=1)
    token = access_token(house.box.settings.secret_key, view.order)
    path = f"/orders/{path_part(view.order.code)}/google-wallet"
    answer = await house.browser.get(f"{path}?t={token}")
    assert answer.headers["location"] == f"{path}?part=1"
    assert (await claims(house, path))["payload"]["eventTicketObjects"]


@pytest.mark.parametrize(
    ("sql", "state", "status"),
    [
        ("UPDATE ticket SET status = 'used', used_at = '2026-12-04 22:14+00'", "ACTIVE", "Used at 23:14"),
        ("UPDATE ticket SET status = 'refunded', revision = revision + 1", "INACTIVE", "Refunded"),
        ("UPDATE ticket SET blocked_reason = 'disputed'", "INACTIVE", "Cancelled"),
        ("UPDATE event SET status = 'cancelled'", "INACTIVE", "The night is cancelled"),
        ("UPDATE ticket SET holder = 'Otto', revision = 1", "INACTIVE", "Replaced by a newer ticket"),
    ],
)
async def test_a_changed_ticket_is_told(house: House, sql: str, state: str, status: str) -> None:
    _, told = await saved(house, await paid(house.box, quantity=1))
    await house.execute(sql)
    await house.work()
    assert (told["state"], told["textModulesData"][0]["body"]) == (state, status)
    assert ("barcode" in told) == (state == "ACTIVE")
    assert "Otto" not in str(told)
    assert await house.value("SELECT count(*) FROM job WHERE done_at IS NULL") == 0


async def test_a_changed_night_is_told_once_for_all_its_tickets(house: House) -> None:
    view = await paid(house.box, quantity=2)
    await saved(house, view, 1)
    night, _ = await saved(house, view)
    moved = LONG_NIGHT.replace('doors_at = "in 30 days 22:00"', 'doors_at = "in 30 days 20:30"')
    await load(house.box.db, moved.replace("Hafenweg 3", "Hafenweg 4"))
    await house.work()
    assert night["dateTime"]["doorsOpen"][10:] == "T20:30:00+01:00"
    assert "Hafenweg 4" in night["venue"]["address"]["defaultValue"]["value"]
    assert set(house.google.calls) == {f"PATCH eventTicketClass/{night['id']}"}


async def test_what_google_did_not_take_is_told_again(house: House) -> None:
    _, kept = await saved(house, await paid(house.box, quantity=1))
    house.google.down = True
    await house.execute("UPDATE ticket SET status = 'refunded', revision = 1")
    await house.work()
    assert kept["state"] == "ACTIVE"
    problem = await house.value("SELECT problem FROM job WHERE name = 'patch_google_tickets'")
    assert problem == "GoogleRefuses: Google answered 503 to PATCH."
    house.google.down = False
    await house.retry()
    assert kept["state"] == "INACTIVE"


async def test_a_token_that_google_forgot_is_asked_for_anew(house: House) -> None:
    _, kept = await saved(house, await paid(house.box, quantity=1))
    await house.execute("UPDATE ticket SET holder = 'A'")
    await house.work()
    house.google.tokens += 1  # the one that we have is worth nothing now
    await house.execute("UPDATE ticket SET holder = 'B'")
    await house.work()
    await house.retry()
    assert kept["ticketHolderName"] == "B"


async def test_a_cancelled_night_with_many_tickets_is_told_in_parts(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(wallets, "OBJECTS_A_JOB", 2)
    view = await paid(house.box, quantity=5)
    kept = [(await saved(house, view, number))[1] for number in range(5)]
    await house.execute("UPDATE event SET status = 'cancelled'")
    await house.work()
    assert {one["state"] for one in kept} == {"INACTIVE"}


async def test_without_keys_what_was_asked_is_done_without_a_call(house: House) -> None:
    await saved(house, await paid(house.box, quantity=1))
    house.box.settings = replace(house.box.settings, google_wallet=None, apple_wallet=None)
    await house.execute("UPDATE ticket SET holder = 'A'")
    await house.work()
    assert house.google.calls == []
    assert await house.value("SELECT count(*) FROM job WHERE done_at IS NULL") == 0
