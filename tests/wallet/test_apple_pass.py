"""Passes for Apple Wallet: signed so that others can check it, saying what the ticket says, for its buyer alone."""

import re
from dataclasses import replace
from zoneinfo import ZoneInfo

import pytest
from cryptography.hazmat.primitives.serialization import pkcs7

from boxoffice.catalogue.palettes import PALETTES, Palette
from boxoffice.edge.render import path_part
from boxoffice.foundation import letters_of_fonts
from boxoffice.foundation.ids import with_check
from boxoffice.foundation.written import write_code
from boxoffice.orders.access import access_token
from boxoffice.orders.order import OrderView
from boxoffice.support.story import read_story
from boxoffice.support.tell import tell
from boxoffice.tickets.code import read_payload
from boxoffice.wallet.apple_pass import colours
from boxoffice.web.account.wallet import PASSES
from tests.paper import pixels
from tests.wallet.conftest import BASE, House
from tests.wallet.keys import PASS_TYPE, TEAM
from tests.wallet.reading import ReadPass, signature_fits, unpacked, unpacked_bundle
from tests.web.cast import ENTRY_ENDS, paid, refunded
from tests.web.test_house_rules import contrast

SIZES = {"icon": (29, 29), "logo": (160, 50), "strip": (375, 98)}


def address(view: OrderView) -> str:
    return f"/tickets/{path_part(view.tickets[0].code)}/ticket.pkpass"


async def pass_of(house: House, view: OrderView) -> ReadPass:
    """The pass of the order's first ticket, as Mara gets it."""
    house.enter(view)
    answer = await house.browser.get(address(view))
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "application/vnd.apple.pkpass"
    assert answer.headers["cache-control"] == "no-store"
    return unpacked(answer.content)


async def test_a_pass_is_signed_and_says_what_the_ticket_says(house: House) -> None:
    view = await paid(house.box, quantity=1, names=("Mara Winterfeld",))
    told = (await pass_of(house, view)).told
    order = view.order
    assert (told["formatVersion"], told["passTypeIdentifier"], told["teamIdentifier"]) == (1, PASS_TYPE, TEAM)
    assert (told["organizationName"], told["description"]) == ("Tiefdruck", "Ticket: Tiefdruck Eins")
    assert (told["webServiceURL"], len(told["authenticationToken"])) == (f"{BASE}/api/wallet", 43)
    assert told["relevantDates"] == [{"startDate": told["relevantDate"], "endDate": told["semantics"]["eventEndDate"]}]
    assert told["relevantDate"] == order.doors_at.astimezone(ZoneInfo("Europe/Berlin")).isoformat()
    assert (told["voided"], told["sharingProhibited"], "locations" in told) == (False, True, False)
    read = await pass_of(house, view)
    assert read.values("primaryFields") == {"night": "Tiefdruck Eins"}
    assert read.values("secondaryFields") == {"venue": "Keller Drei", "doors": "22:00"}
    assert read.values("auxiliaryFields") == {"type": "Entry", "holder": "Mara Winterfeld", "age": "18+"}
    back = read.values("backFields")
    assert (back["status"], back["price"], back["code"]) == ("Valid", "€12.00", write_code(view.tickets[0].code))
    assert "doors 22:00, start 23:00, end 06:00, Berlin time" in back["when"]
    assert back["ticket-page"] == f"{BASE}/tickets/{path_part(view.tickets[0].code)}"
    (code,) = told["barcodes"]
    payload = read_payload(code["message"])
    assert payload is not None
    assert (payload.ticket_id, payload.revision) == (view.tickets[0].id, 0)
    assert (code["format"], code["altText"]) == ("PKBarcodeFormatQR", write_code(view.tickets[0].code))


@pytest.mark.parametrize("ends", ENTRY_ENDS)
async def test_a_pass_says_for_how_many_it_is_and_until_when(house: House, ends: str) -> None:
    view = await paid(house.box, quantity=1)
    await house.execute("UPDATE ticket_type SET admits = 6")
    await house.execute(ENTRY_ENDS[ends])
    read = await pass_of(house, view)
    assert read.values("auxiliaryFields")["people"] == "6 people"
    assert read.values("secondaryFields")["last-entry"] == "00:30"
    assert read.values("backFields")["rule"] == "For 6 people, entry until 00:30"
    await house.execute("UPDATE ticket_type SET admits = 1, last_entry_at = NULL")
    await house.execute("UPDATE entry_list SET last_entry_at = NULL")
    read = await pass_of(house, view)
    told = read.values("auxiliaryFields") | read.values("secondaryFields") | read.values("backFields")
    assert not {"people", "last-entry", "rule"} & set(told)


async def test_the_signature_is_of_this_manifest_alone(house: House) -> None:
    files = (await pass_of(house, await paid(house.box, quantity=1))).files
    assert signature_fits(files["manifest.json"], files["signature"]).returncode == 0
    assert signature_fits(files["manifest.json"] + b" ", files["signature"]).returncode != 0
    brought = [one.subject.rfc4514_string() for one in pkcs7.load_der_pkcs7_certificates(files["signature"])]
    assert any(PASS_TYPE in name for name in brought)
    assert any("Worldwide Developer Relations" in name for name in brought)


async def test_support_is_told_of_passes(house: House) -> None:
    view = await paid(house.box, quantity=1)
    ticket = view.tickets[0]
    await house.execute(
        "INSERT INTO wallet_device SELECT 'phone-' || n, repeat('0a', 32), clock() FROM generate_series(1, 2) AS n"
    )
    await house.execute(
        """INSERT INTO wallet_registration SELECT event_id, ticket.id, 0, device.id, clock()
        FROM ticket, wallet_device AS device WHERE ticket.id = $1""",
        ticket.id,
    )
    await house.execute("INSERT INTO google_pass SELECT event_id, id, 0, clock() FROM ticket")
    async with house.box.db.transaction() as connection:
        assert "pass    2 phones with Apple Wallet, offered to Google Wallet" in tell(
            await read_story(connection, view.order.code)
        )
    await house.execute("UPDATE ticket SET revision = 1")
    async with house.box.db.transaction() as connection:
        assert "void: the ticket was reissued since" in tell(await read_story(connection, view.order.code))


async def test_its_pictures_have_apples_sizes_and_the_nights_colours(house: House) -> None:
    read = await pass_of(house, await paid(house.box, quantity=1))
    for name, (width, height) in SIZES.items():
        for suffix, scale in (("", 1), ("@2x", 2), ("@3x", 3)):
            assert pixels(read.files[f"{name}{suffix}.png"]).shape == (height * scale, width * scale, 3)
    corner = [int(part) for part in pixels(read.files["strip@2x.png"])[5, 5][::-1]]
    assert f"rgb({', '.join(map(str, corner))})" == read.told["backgroundColor"]
    assert len(read.files) == 12


@pytest.mark.parametrize("palette", PALETTES, ids=lambda palette: palette.name)
def test_words_on_a_pass_can_be_read(palette: Palette) -> None:
    worn = {
        name: "#" + "".join(f"{int(part):02x}" for part in re.findall(r"\d+", colour))
        for name, colour in colours(palette).items()
    }
    for name in ("foregroundColor", "labelColor"):
        assert contrast(worn[name], worn["backgroundColor"]) >= 4.5, worn


@pytest.mark.parametrize(
    "name", ["نور الهدى بنت عبد الرحمن", "Zoë 🎧 👩🏽‍🚀 Šimůnek", "田中さくら", 'Mara "<b>&\\n</b>"']
)
async def test_names_of_every_script_stay_as_they_are(house: House, name: str) -> None:
    view = await paid(house.box, quantity=1, names=(name,))
    await house.execute("UPDATE event SET title = $1", f"{name}\u202e\u0007")
    read = await pass_of(house, view)
    assert read.values("auxiliaryFields")["holder"] == name
    assert read.values("primaryFields")["night"] == name


async def test_money_has_the_decimals_of_its_currency(house: House) -> None:
    view = await paid(house.box, quantity=1)
    await house.execute("UPDATE orders SET currency = 'jpy'")
    assert (await pass_of(house, view)).values("backFields")["price"] == "JP¥1,200"
    await house.execute("UPDATE order_line SET unit_minor = 0")
    assert (await pass_of(house, view)).values("backFields")["price"] == "Free"


async def test_a_night_in_which_clocks_change_has_the_right_moments(house: House) -> None:
    view = await paid(house.box, quantity=1)
    await house.execute(
        """UPDATE event SET doors_at = '2026-10-24 22:00+02', starts_at = '2026-10-24 23:00+02',
        ends_at = '2026-10-25 06:00+01'"""
    )
    read = await pass_of(house, view)
    (dates,) = read.told["relevantDates"]
    assert dates == {"startDate": "2026-10-24T22:00:00+02:00", "endDate": "2026-10-25T06:00:00+01:00"}
    assert read.told["expirationDate"] == "2026-10-25T12:00:00+01:00"
    assert "doors 22:00, start 23:00, end 06:00, Berlin time, UTC+2" in read.values("backFields")["when"]


async def test_it_shows_itself_near_a_place_that_is_known(house: House) -> None:
    view = await paid(house.box, quantity=1)
    await house.execute("UPDATE venue SET latitude = 53.55, longitude = 9.97")
    (place,) = (await pass_of(house, view)).told["locations"]
    assert (place["latitude"], place["longitude"]) == (53.55, 9.97)
    assert place["relevantText"] == "Doors 22:00: Tiefdruck Eins"


@pytest.mark.parametrize(
    ("sql", "status"),
    [
        ("UPDATE ticket SET status = 'cancelled'", "Cancelled"),
        ("UPDATE ticket SET status = 'refunded'", "Refunded"),
        ("UPDATE ticket SET blocked_reason = 'disputed'", "Cancelled"),
        ("UPDATE event SET status = 'cancelled'", "The night is cancelled"),
    ],
)
async def test_a_ticket_that_opens_nothing_is_a_void_pass_without_a_code(house: House, sql: str, status: str) -> None:
    view = await paid(house.box, quantity=1)
    await house.execute(sql)
    read = await pass_of(house, view)
    assert (read.told["voided"], read.qr_text) == (True, "")
    assert read.values("auxiliaryFields")["state"] == read.values("backFields")["status"] == status
    assert write_code(view.tickets[0].code) not in str(read.told)


async def test_a_used_ticket_keeps_its_code_for_coming_back_in(house: House) -> None:
    view = await paid(house.box, quantity=1)
    await house.execute("UPDATE ticket SET status = 'used', used_at = '2026-12-04 22:14+00'")
    read = await pass_of(house, view)
    assert (read.told["voided"], read.values("auxiliaryFields")["state"]) == (False, "Used at 23:14")
    assert read.qr_text


async def test_an_order_is_one_file_of_all_that_opens_the_door(house: House) -> None:
    view = await paid(house.box, quantity=3, names=("Mara", "Otto", "Zoë"))
    house.enter(view)
    await house.execute("UPDATE ticket SET status = 'cancelled' WHERE id = $1", view.tickets[1].id)
    answer = await house.browser.get(f"/orders/{path_part(view.order.code)}/tickets.pkpasses")
    assert answer.headers["content-type"] == "application/vnd.apple.pkpasses"
    passes = unpacked_bundle(answer.content)
    assert [one.values("auxiliaryFields")["holder"] for one in passes] == ["Mara", "Zoë"]
    assert len({one.told["serialNumber"] for one in passes}) == len({one.qr_text for one in passes}) == 2
    assert len({one.told["groupingIdentifier"] for one in passes}) == 1


async def test_more_than_ten_tickets_come_in_parts(house: House) -> None:
    view = await paid(house.box, quantity=10)
    await house.execute(
        """INSERT INTO ticket (event_id, id, order_id, number, line_number, code, ticket_type_id, release_id, holder,
        status, issued_at) SELECT event_id, event_id, order_id, 11, 1, $1, ticket_type_id, release_id, 'Eleven', status,
        issued_at FROM ticket WHERE number = 1""",
        with_check(f"{view.order.code[:4]}0000000"),
    )
    house.enter(view)
    path = f"/orders/{path_part(view.order.code)}"
    page = (await house.browser.get(path)).text
    assert "Add to Apple Wallet (1 to 10)" in page
    assert "Save to Google Wallet (6 to 10)" in page
    assert f'href="{path}/tickets.pkpasses?part=2"' in page
    first, second, third, none = [
        await house.browser.get(f"{path}/tickets.pkpasses?part={part}") for part in (1, 2, 3, 0)
    ]
    assert len(unpacked_bundle(first.content)) == 10
    assert unpacked(second.content).values("auxiliaryFields")["holder"] == "Eleven"
    assert [third.status_code, none.status_code] == [404, 404]


async def test_tickets_of_others_are_not_there(house: House) -> None:
    foreign = await paid(house.box, email="otto@example.org")
    house.enter(await paid(house.box))
    for path in (address(foreign), f"/orders/{path_part(foreign.order.code)}/tickets.pkpasses"):
        for what in (path, path.replace("ticket.pkpass", "google-wallet").replace("tickets.pkpasses", "google-wallet")):
            answer = await house.browser.get(what)
            assert answer.status_code == 404
            assert b"PK" not in answer.content
    assert await house.value("SELECT count(*) FROM google_pass") == 0


async def test_a_mailed_link_opens_them_and_leaves_its_token_behind(house: House) -> None:
    view = await paid(house.box, quantity=1)
    token = access_token(house.box.settings.secret_key, view.order)
    path = f"/orders/{path_part(view.order.code)}/tickets.pkpasses"
    answer = await house.browser.get(f"{path}?t={token}", follow_redirects=True)
    assert unpacked(answer.content).qr_text
    assert token not in str(answer.url)
    assert (await house.phone.get(f"{path}?t=wrong", headers={"Accept": "text/html"})).status_code == 404


async def test_nobody_makes_passes_without_end(house: House) -> None:
    view = await paid(house.box, quantity=1)
    house.enter(view)
    await house.execute(
        """INSERT INTO rate_limit
        SELECT $1 || ':' || encode(sha256(convert_to($2, 'UTF8')), 'hex'), clock() + interval '1 day'""",
        PASSES.name,
        view.order.code,
    )
    assert (await house.browser.get(address(view))).status_code == 503


async def test_pages_offer_both_wallets_where_there_is_something_to_keep(house: House) -> None:
    view = await paid(house.box, quantity=1)
    house.enter(view)
    order, ticket = f"/orders/{path_part(view.order.code)}", f"/tickets/{path_part(view.tickets[0].code)}"
    for page in (order, f"{order}/success"):
        html = (await house.browser.get(page)).text
        assert f'href="{order}/tickets.pkpasses"' in html
        assert f'href="{order}/google-wallet"' in html
    html = (await house.browser.get(ticket)).text
    assert f'href="{ticket}/ticket.pkpass"' in html
    assert f'href="{ticket}/google-wallet"' in html
    back = await refunded(house.box, late=False, quantity=1, email="back@example.org")
    house.enter(back)
    for page in (f"/orders/{path_part(back.order.code)}", f"/tickets/{path_part(back.tickets[0].code)}"):
        assert "Wallet" not in (await house.browser.get(page)).text


async def test_where_the_door_takes_no_code_that_stays_there_is_no_pass_with_one(house: House) -> None:
    view = await paid(house.box, quantity=1)
    house.enter(view)
    assert (await pass_of(house, view)).told["voided"] is False
    async with house.box.db.transaction() as connection:
        await connection.execute("UPDATE event SET code = 'rotating', paper = false")
    read = await pass_of(house, view)
    assert read.told["voided"] is True
    assert view.tickets[0].code not in str(read.told)
    order, ticket = f"/orders/{path_part(view.order.code)}", f"/tickets/{path_part(view.tickets[0].code)}"
    for page in (order, f"{order}/success", ticket):
        assert "Wallet" not in (await house.browser.get(page)).text


async def test_without_keys_there_is_no_button_and_no_pass(house: House) -> None:
    house.box.settings = replace(house.box.settings, apple_wallet=None, google_wallet=None)
    view = await paid(house.box, quantity=1)
    house.enter(view)
    ticket = f"/tickets/{path_part(view.tickets[0].code)}"
    assert "Wallet" not in (await house.browser.get(ticket)).text
    assert "Wallet" not in (await house.browser.get(f"/orders/{path_part(view.order.code)}/success")).text
    for wallet in ("ticket.pkpass", "google-wallet"):
        assert (await house.browser.get(f"{ticket}/{wallet}")).status_code == 404


async def test_without_pictures_there_is_a_sentence_and_no_button(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    view = await paid(house.box, quantity=1)
    house.enter(view)
    monkeypatch.setattr(letters_of_fonts, "font_files", tuple)  # as where nothing was built
    assert (await house.browser.get(address(view))).status_code == 503
    page = (await house.browser.get(f"/tickets/{path_part(view.tickets[0].code)}")).text
    assert "Apple Wallet" not in page
    assert "Google Wallet" in page


async def test_on_plain_http_a_pass_names_no_address_to_ask(house: House) -> None:
    view = await paid(house.box, quantity=1)
    house.box.settings = replace(house.box.settings, base_url=BASE.replace("https", "http"))
    read = await pass_of(house, view)
    assert "webServiceURL" not in read.told
    assert "authenticationToken" not in read.told
