"""Phones hear of what changes: Apple's web service for passes, and the pushes that make phones ask it."""

import asyncio
from dataclasses import dataclass, replace
from datetime import timedelta
from email.utils import parsedate_to_datetime
from typing import Any

import httpx
import pytest

from boxoffice.edge.render import path_part
from boxoffice.orders.order import OrderView
from boxoffice.tickets.code import add_key, read_payload, retire_key
from boxoffice.wallet import apple_devices
from boxoffice.wallet.apple_devices import COMMITS_WITHIN
from boxoffice.wallet.apple_pass import authentication_token
from boxoffice.wallet.card import PassKey
from boxoffice.worker import wallets
from tests.nights import load
from tests.wallet.conftest import House
from tests.wallet.keys import PASS_TYPE
from tests.wallet.reading import ReadPass, unpacked
from tests.wallet.test_google import saved
from tests.web.cast import ENTRY_ENDS, LONG_NIGHT, paid

API = "/api/wallet/v1"
TOKEN = "0a" * 32
MOVED = {'doors_at = "in 30 days 22:00"': 'doors_at = "in 30 days 20:30"'}
CREW = "[[night.entry_list]]\nname = 'Crew'\n"
REFUND = "UPDATE ticket SET status = 'refunded', revision = revision + 1"


@dataclass
class Phone:
    """A phone with a pass, as its wallet talks to us."""

    house: House
    serial: str
    token: str
    device: str = "device-of-mara"
    push_token: str = TOKEN

    @property
    def headers(self) -> dict[str, str]:
        return {"Authorization": f"ApplePass {self.token}"}

    @property
    def registration(self) -> str:
        return f"{API}/devices/{self.device}/registrations/{PASS_TYPE}/{self.serial}"

    async def register(self, **changes: Any) -> httpx.Response:
        body = {"pushToken": self.push_token}
        return await self.house.phone.post(self.registration, json=body, headers=self.headers | changes)

    async def unregister(self) -> httpx.Response:
        return await self.house.phone.delete(self.registration, headers=self.headers)

    async def changed(self, tag: str = "") -> httpx.Response:
        query = {"passesUpdatedSince": tag} if tag else {}
        return await self.house.phone.get(f"{API}/devices/{self.device}/registrations/{PASS_TYPE}", params=query)

    async def fetch(self, since: str = "") -> httpx.Response:
        seen = {"If-Modified-Since": since} if since else {}
        return await self.house.phone.get(f"{API}/passes/{PASS_TYPE}/{self.serial}", headers=self.headers | seen)

    async def latest(self) -> ReadPass:
        answer = await self.fetch()
        assert answer.status_code == 200, answer.text
        return unpacked(answer.content)


async def phone_with_pass(house: House, view: OrderView, number: int = 0, **more: str) -> Phone:
    """A phone that was given the pass of a ticket, and registered; nothing is left to be told."""
    house.enter(view)
    answer = await house.browser.get(f"/tickets/{path_part(view.tickets[number].code)}/ticket.pkpass")
    told = unpacked(answer.content).told
    phone = Phone(house, told["serialNumber"], told["authenticationToken"], **more)
    assert (await phone.register()).status_code == 201
    await house.work()
    house.push.pushes.clear()
    return phone


async def later(house: House, span: timedelta = COMMITS_WITHIN * 2) -> None:
    """Time passes, so that nothing changed just now."""
    house.box.db.moved_clock = (await house.value("SELECT clock()")) + span


async def test_a_phone_registers_once_and_is_told_what_changed(house: House) -> None:
    phone = await phone_with_pass(house, await paid(house.box, quantity=1))
    assert (await phone.register()).status_code == 200
    await later(house)
    first = (await phone.changed()).json()
    assert first["serialNumbers"] == [phone.serial]
    assert (await phone.changed(first["lastUpdated"])).status_code == 204
    await house.execute("UPDATE ticket SET status = 'used', used_at = clock()")
    second = (await phone.changed(first["lastUpdated"])).json()
    assert second["serialNumbers"] == [phone.serial]
    assert int(second["lastUpdated"]) > int(first["lastUpdated"])
    await house.work()
    (push,) = house.push.pushes
    assert (push.token, push.body, push.caller) == (TOKEN, b"{}", PASS_TYPE)
    assert push.headers["apns-topic"] == PASS_TYPE
    assert (await phone.latest()).values("auxiliaryFields")["state"].startswith("Used at")


@pytest.mark.parametrize("ends", ENTRY_ENDS)
async def test_a_phone_hears_of_another_last_entry(house: House, ends: str) -> None:
    phone = await phone_with_pass(house, await paid(house.box, quantity=1))
    await later(house)
    told = (await phone.changed()).json()
    await house.execute(ENTRY_ENDS[ends])
    assert (await phone.changed(told["lastUpdated"])).json()["serialNumbers"] == [phone.serial]
    await house.work()
    assert house.push.tokens == [TOKEN]
    assert (await phone.latest()).values("secondaryFields")["last-entry"] == "00:30"


async def test_a_phone_hears_when_another_list_takes_its_ticket(house: House) -> None:
    """And of nothing when a night's file is loaded again, or a list comes to a night whose lists have no last entry."""
    file = f"{LONG_NIGHT}{CREW}ticket_types = ['Entry']\nlast_entry_at = 'next day 00:30'"
    phone = await phone_with_pass(house, await paid(house.box, quantity=1))
    heard: list[bool] = []
    for text in (LONG_NIGHT + CREW, file, file, file.replace("'Entry'", "'Supporter'"), file):
        await load(house.box.db, text)
        await house.work()
        heard.append(bool(house.push.pushes))
        house.push.pushes.clear()
    assert heard == [False, True, False, True, True]
    assert (await phone.latest()).values("secondaryFields")["last-entry"] == "00:30"


async def test_a_retired_key_brings_wallets_a_code_of_the_newest(house: House) -> None:
    view = await paid(house.box, quantity=1)
    phone = await phone_with_pass(house, view)
    _, kept = await saved(house, view)
    before = kept["barcode"]["value"]
    await later(house)
    told = (await phone.changed()).json()
    async with house.box.db.transaction() as connection:
        await add_key(connection, house.box.settings.secret_key, view.order.event_id)
        await retire_key(connection, view.order.event_id, 1)
    assert (await phone.changed(told["lastUpdated"])).json()["serialNumbers"] == [phone.serial]
    await house.work()
    assert house.push.tokens == [TOKEN]
    latest = (await phone.latest()).told["barcodes"][0]["message"]
    payload = read_payload(latest)
    assert payload is not None
    assert (payload.key_number, kept["barcode"]["value"]) == (2, latest)
    assert latest != before


async def test_a_change_of_a_moment_ago_is_told_again_for_one_that_commits_late(house: House) -> None:
    """A transaction that began before another and ends after it has the older date."""
    phone = await phone_with_pass(house, await paid(house.box, quantity=1))
    told = (await phone.changed()).json()
    assert (await phone.changed(told["lastUpdated"])).json()["serialNumbers"] == [phone.serial]
    await later(house)
    assert (await phone.changed(told["lastUpdated"])).status_code == 204


async def test_the_pass_that_a_phone_has_is_not_sent_again(house: House) -> None:
    phone = await phone_with_pass(house, await paid(house.box, quantity=1))
    sent = await phone.fetch()
    stamp = sent.headers["last-modified"]
    assert (await phone.fetch(stamp)).status_code == 200, "it changed a moment ago, and dates are whole seconds"
    await later(house)
    assert (await phone.fetch(stamp)).status_code == 304
    assert (await phone.fetch("nonsense")).status_code == 200
    await house.execute("UPDATE ticket SET holder = 'Zoë'")
    again = await phone.fetch(stamp)
    assert again.status_code == 200
    assert parsedate_to_datetime(again.headers["last-modified"]) > parsedate_to_datetime(stamp)


@pytest.mark.parametrize(
    ("sql", "status"),
    [
        (REFUND, "Refunded"),
        ("UPDATE ticket SET status = 'cancelled', revision = revision + 1", "Cancelled"),
        ("UPDATE ticket SET blocked_reason = 'disputed'", "Cancelled"),
        ("UPDATE event SET status = 'cancelled', updated_at = clock()", "The night is cancelled"),
    ],
)
async def test_a_pass_is_void_once_its_ticket_opens_nothing(house: House, sql: str, status: str) -> None:
    phone = await phone_with_pass(house, await paid(house.box, quantity=1))
    await house.execute(sql)
    await house.work()
    assert house.push.tokens == [TOKEN]
    read = await phone.latest()
    assert (read.told["voided"], read.qr_text, read.values("backFields")["status"]) == (True, "", status)
    assert read.told["serialNumber"] == phone.serial


async def test_a_won_dispute_makes_the_pass_good_again(house: House) -> None:
    phone = await phone_with_pass(house, await paid(house.box, quantity=1))
    code = (await phone.latest()).qr_text
    await house.execute("UPDATE ticket SET blocked_reason = 'disputed'")
    await house.execute("UPDATE ticket SET blocked_reason = NULL")
    await house.work()
    assert (await phone.latest()).qr_text == code


async def test_a_ticket_that_went_to_somebody_else_leaves_a_void_pass_that_tells_nothing_of_them(house: House) -> None:
    view = await paid(house.box, quantity=1, names=("Mara",))
    phone = await phone_with_pass(house, view)
    await house.execute("UPDATE ticket SET holder = 'Otto Secret', revision = revision + 1")
    await house.work()
    assert house.push.tokens == [TOKEN]
    read = await phone.latest()
    assert (read.told["voided"], read.qr_text) == (True, "")
    assert read.values("backFields")["status"] == "Replaced by a newer ticket"
    assert "Otto" not in str(read.told)
    assert view.order.code[:4] not in str(read.told["eventTicket"]).replace(" ", "")
    fresh = await phone_with_pass(house, view, device="another", push_token="0b" * 32)
    assert fresh.serial != phone.serial
    assert (await fresh.latest()).values("auxiliaryFields")["holder"] == "Otto Secret"
    assert (await phone.register(Authorization=f"ApplePass {fresh.token}")).status_code == 401


async def test_a_nights_file_with_another_time_pushes_to_every_phone_of_the_night_once(house: House) -> None:
    view = await paid(house.box, quantity=3)
    phones = [
        await phone_with_pass(house, view, number, device=f"device-{number}", push_token=f"0{number}" * 32)
        for number in range(3)
    ]
    await load(house.box.db, LONG_NIGHT)
    await house.work()
    assert house.push.pushes == [], "the same file again changes nothing"
    for old, new in MOVED.items():
        assert old in LONG_NIGHT
        await load(house.box.db, LONG_NIGHT.replace(old, new))
    await house.work()
    assert house.push.tokens == [phone.push_token for phone in phones]
    doors = next(
        field for field in (await phones[0].latest()).told["eventTicket"]["secondaryFields"] if field["key"] == "doors"
    )
    assert (doors["value"], doors["changeMessage"]) == ("20:30", "Doors now open at %@.")


async def test_another_place_or_another_name_for_it_is_pushed(house: House) -> None:
    phone = await phone_with_pass(house, await paid(house.box, quantity=1))
    await load(house.box.db, LONG_NIGHT.replace('name = "Keller Drei"', 'name = "Keller Vier"'))
    await house.work()
    assert house.push.tokens == [TOKEN]
    assert (await phone.latest()).values("secondaryFields")["venue"] == "Keller Vier"


async def test_what_changed_between_making_and_registering_is_pushed(house: House) -> None:
    phone = await phone_with_pass(house, await paid(house.box, quantity=1))
    await phone.unregister()
    await house.execute("UPDATE ticket SET status = 'used', used_at = clock()")
    await house.work()
    assert house.push.pushes == []
    assert (await phone.register()).status_code == 201
    await house.work()
    assert house.push.tokens == [TOKEN]


@pytest.mark.parametrize("locked", [True, False], ids=["as it is", "without the lock nobody is told"])
async def test_a_change_while_a_phone_registers_is_pushed(
    house: House, monkeypatch: pytest.MonkeyPatch, locked: bool
) -> None:
    phone = await phone_with_pass(house, await paid(house.box, quantity=1))
    await phone.unregister()
    await later(house, timedelta(hours=2))
    if not locked:
        sql = apple_devices.LOCK.sql.replace("FOR SHARE OF venue, event, ticket", "")
        monkeypatch.setattr(apple_devices, "LOCK", replace(apple_devices.LOCK, sql=sql))
    async with house.box.db.transaction() as connection:
        await connection.execute("UPDATE ticket SET holder = 'Zoë'")
        registering = asyncio.create_task(phone.register())
        await asyncio.wait([registering], timeout=0.5)
        assert registering.done() != locked
    assert (await registering).status_code == 201
    await house.work()
    assert house.push.tokens == ([TOKEN] if locked else [])


async def test_pushes_that_fail_are_sent_again(house: House) -> None:
    await phone_with_pass(house, await paid(house.box, quantity=1))
    house.push.down = True
    await house.execute(REFUND)
    await house.work()
    problem = await house.value("SELECT problem FROM job WHERE name = 'push_passes' AND done_at IS NULL")
    assert problem == "SomeNotTold: Apple's push service answered 503 Shutdown."
    house.push.down = False
    await house.retry()
    assert house.push.tokens == [TOKEN]
    assert await house.value("SELECT count(*) FROM job WHERE name = 'push_passes' AND done_at IS NULL") == 0


async def test_phones_that_apple_no_longer_knows_are_dropped_and_the_others_told(house: House) -> None:
    view = await paid(house.box, quantity=3)
    for number in range(3):
        await phone_with_pass(house, view, number, device=f"device-{number}", push_token=f"0{number}" * 32)
    house.push.answers = {"00" * 32: (410, "Unregistered"), "01" * 32: (400, "BadDeviceToken")}
    await house.execute(REFUND)
    await house.work()
    assert house.push.tokens == ["02" * 32]
    assert await house.value("SELECT array_agg(id) FROM wallet_device") == ["device-2"]
    assert await house.value("SELECT count(*) FROM wallet_registration") == 1
    assert await house.value("SELECT count(*) FROM job WHERE done_at IS NULL") == 0


async def test_many_phones_are_told_in_parts_by_one_connection(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wallets, "PHONES_A_JOB", 2)
    view = await paid(house.box, quantity=5)
    for number in range(5):
        await phone_with_pass(house, view, number, device=f"device-{number}", push_token=f"0{number}" * 32)
    await load(house.box.db, LONG_NIGHT.replace("Tiefdruck Eins", "Tiefdruck 1"))
    await house.work()
    assert house.push.tokens == [f"0{number}" * 32 for number in range(5)]
    assert house.push.connections == 1


async def test_a_pass_taken_off_a_phone_is_pushed_no_more(house: House) -> None:
    phone = await phone_with_pass(house, await paid(house.box, quantity=1))
    assert (await phone.unregister()).status_code == 200
    assert (await phone.unregister()).status_code == 200
    assert (await phone.changed()).status_code == 204
    await house.execute(REFUND)
    await house.work()
    assert house.push.pushes == []
    assert await house.value("SELECT count(*) FROM wallet_device") == 0


async def test_a_phone_with_a_new_push_token_is_reached_by_it(house: House) -> None:
    phone = await phone_with_pass(house, await paid(house.box, quantity=1))
    phone.push_token = "FE" * 32
    assert (await phone.register()).status_code == 200
    await house.execute(REFUND)
    await house.work()
    assert house.push.tokens == ["fe" * 32]


async def test_without_a_pass_in_any_wallet_nothing_is_asked(house: House) -> None:
    await paid(house.box, quantity=2)
    await house.execute(REFUND)
    await house.execute("UPDATE event SET title = 'Another'")
    await house.execute("UPDATE venue SET name = 'Another'")
    assert await house.value("SELECT count(*) FROM job") == 0


async def test_wrong_tokens_open_nothing(house: House) -> None:
    view = await paid(house.box, quantity=2)
    phone, other = await phone_with_pass(house, view), await phone_with_pass(house, view, 1)
    for token in ("", "x", other.token, f"{phone.token}x"):
        wrong = Phone(house, phone.serial, token)
        answers = [await wrong.register(), await wrong.unregister(), await wrong.fetch()]
        assert [answer.status_code for answer in answers] == [401, 401, 401]
        assert answers[0].json()["type"] == "not_your_pass"
    assert (await phone.fetch()).status_code == 200
    bearer = {"Authorization": f"Bearer {phone.token}"}
    assert (await house.phone.get(f"{API}/passes/{PASS_TYPE}/{phone.serial}", headers=bearer)).status_code == 401


async def test_serial_numbers_that_are_none_open_nothing(house: House) -> None:
    view = await paid(house.box, quantity=1)
    secret, order = house.box.settings.secret_key, view.order
    ahead = PassKey(order.event_id, view.tickets[0].id, 1)
    nobody = PassKey(order.event_id, order.id, 0)
    for key in (ahead, nobody):
        phone = Phone(house, str(key), authentication_token(secret, key))
        assert [(await phone.register()).status_code, (await phone.fetch()).status_code] == [401, 401]
    for serial in ("x", "0" * 64, f"{ahead}9999999", "../../etc"):
        phone = Phone(house, serial, "x")
        assert (await phone.fetch()).status_code in (401, 404)
    assert await house.value("SELECT count(*) FROM wallet_registration") == 0


async def test_strange_requests_are_refused_in_words(house: House) -> None:
    phone = await phone_with_pass(house, await paid(house.box, quantity=1))
    send = house.phone.post
    assert (await send(phone.registration, json={"pushToken": "nonsense"}, headers=phone.headers)).status_code == 422
    assert (await send(phone.registration, json={}, headers=phone.headers)).status_code == 422
    assert (await send(phone.registration, content=b"{", headers=phone.headers)).status_code == 400
    assert (await Phone(house, phone.serial, phone.token, device="x" * 65).register()).status_code == 404
    other_type = phone.registration.replace(PASS_TYPE, "pass.org.example.other")
    assert (await send(other_type, json={"pushToken": TOKEN}, headers=phone.headers)).status_code == 404
    for tag in ("nonsense", "-1", "9" * 40, "²"):
        assert (await phone.changed(tag)).status_code == 200


async def test_what_phones_complain_about_stands_in_the_log(
    house: House, capsys: pytest.CaptureFixture[str], logs_of_a_server: None
) -> None:
    answer = await house.phone.post(f"{API}/log", json={"logs": ["pass.json is odd", "mara@example.org", *("x" * 20)]})
    assert answer.status_code == 200
    lines = capsys.readouterr().err
    assert lines.count("a wallet says") == 10
    assert "pass.json is odd" in lines
    assert "mara@" not in lines


async def test_without_keys_phones_find_nothing(house: House) -> None:
    phone = await phone_with_pass(house, await paid(house.box, quantity=1))
    house.box.settings = type(house.box.settings).from_environment(
        {"DATABASE_URL": house.box.settings.database_url, "SECRET_KEY": house.box.settings.secret_key}
    )
    answers = [await phone.register(), await phone.changed(), await phone.fetch()]
    assert [answer.status_code for answer in answers] == [404, 404, 404]
