"""A cancelled night owes cash: it is listed, handed back by a person, and booked once, by page or by command."""

import asyncio
from collections.abc import Callable
from contextlib import redirect_stdout
from io import StringIO
from typing import Any
from urllib.parse import quote, urlencode

import httpx
import pytest

from boxoffice.accounts.login import MEET
from boxoffice.accounts.organisation import DOOR, ORGANISER, add_member
from boxoffice.accounts.sessions import open_session
from boxoffice.cli import cancel
from boxoffice.cli.door import run_give_back, run_owed
from boxoffice.door.cash_owed import CashSale, sums
from boxoffice.foundation.db import Command
from boxoffice.foundation.ids import new_id
from boxoffice.foundation.problems import Unprocessable
from boxoffice.foundation.written import write_code
from boxoffice.orders import give_cash_back
from boxoffice.orders.cancel_night import call_off, cancel_some, night_to_cancel
from boxoffice.orders.give_cash_back import WentBackBefore
from boxoffice.settings import Reading, read_environment
from boxoffice.support.story import read_story
from boxoffice.support.tell import tell
from tests.door.conftest import Door
from tests.door.seller import seller_at
from tests.door.test_door_sales import LEDGER, clean_books, later
from tests.nights import NIGHT, load
from tests.shop import SLUG, Json, together
from tests.shop_fixtures import shop_environment

__all__ = ["clean_books"]

PAGE = f"/organiser/events/{SLUG}/door"
BOSS, PARTNER, GATE, OTHER = "boss@example.org", "partner@example.org", "gate@example.org", "other@example.org"
FORM = {"Content-Type": "application/x-www-form-urlencoded", "Sec-Fetch-Site": "same-origin", "Accept": "text/html"}


class People:
    """Those who run the night, each with a browser, and the command line."""

    def __init__(self, door: Door, database_url: str) -> None:
        self.door = door
        environment = shop_environment(database_url, "http://localhost:3000", door.shop.core.world.settings.base_url)
        self.reading: Reading = read_environment(environment)
        self.sessions: dict[str, str] = {}

    async def enter(self, email: str, role: str = ORGANISER, organisation: str = "tiefdruck") -> None:
        async with self.door.shop.box.db.transaction() as connection:
            person = await MEET.first(connection, new_id(), email)
            assert person is not None
            await add_member(connection, email, organisation, role)
            self.sessions[email] = await open_session(connection, person.id)

    async def get(self, path: str, who: str = BOSS) -> httpx.Response:
        return await self.door.shop.web.get(path, headers=self._cookie(who))

    async def page(self, path: str = PAGE, who: str = BOSS) -> str:
        answer = await self.get(path, who)
        assert answer.status_code == 200, answer.text
        return answer.text

    async def press(
        self, sale: Json, who: str = BOSS, reason: str = "The night is cancelled", **headers: str
    ) -> httpx.Response:
        """Sends the form of a sale's page."""
        body = urlencode({"reason": reason})
        return await self.door.shop.web.post(address(sale), content=body, headers=FORM | self._cookie(who) | headers)

    async def says(self, command: Callable[..., None], *arguments: Any, **named: Any) -> str:
        """What a command prints."""
        with redirect_stdout(StringIO()) as out:
            await asyncio.to_thread(command, self.reading, *arguments, **named)
        return out.getvalue()

    async def owed(self) -> str:
        return await self.says(run_owed, SLUG)

    async def cancel(self, **named: bool) -> str:
        return await self.says(cancel.run, SLUG, reason="A storm.", **({"dry_run": False, "yes": False} | named))

    def _cookie(self, who: str) -> dict[str, str]:
        return {"Cookie": f"session={self.sessions[who]}"} if who in self.sessions else {}


@pytest.fixture
async def people(door: Door, database_url: str) -> People:
    made = People(door, database_url)
    await made.enter(BOSS)
    return made


def address(sale: Json) -> str:
    return f"{PAGE}/cash/{quote(sale['order'], safe='~')}"


async def called_off(door: Door) -> None:
    async with door.shop.box.db.transaction() as connection:
        await call_off(connection, await night_to_cancel(connection, SLUG), "A storm.")
    while await cancel_some(door.shop.box.till):
        pass


@pytest.mark.slow
async def test_it_is_listed_until_it_was_handed_back(door: Door, people: People) -> None:
    seller = await seller_at(door)
    first = await seller.sell(2)
    await later(door, minutes=1)
    second = await seller.sell()
    await seller.void(await seller.sell())
    await seller.sell(paid_by="card")
    assert "owes nobody cash" in await people.owed()
    await called_off(door)
    codes = [sale["order"] for sale in (first, second)]
    lines = (await people.owed()).splitlines()
    assert [line.split()[:2] for line in lines[:2]] == [[codes[0], "€30.00"], [codes[1], "€15.00"]]
    assert "Main door" in lines[0]
    assert (len(lines), lines[2][:6]) == (3, "€45.00")
    page = await people.page()
    assert "<strong>€45.00</strong> of 2 orders is still owed" in page
    assert all(write_code(code) in page for code in codes)
    assert "€30.00" in await people.says(run_give_back, codes[0], "a storm")
    told, page = await people.owed(), await people.page()
    assert (codes[0] in told, codes[1] in told) == (False, True)
    assert "<strong>€15.00</strong> of 1 order is still owed" in page
    assert "Handed back: €30.00 of 1 order" in page
    assert (await people.press(second)).status_code == 303
    assert "owes nobody cash" in await people.owed()
    page = await people.page()
    assert "Nothing is owed any more" in page
    assert "Handed back: €45.00 of 2 orders" in page


async def test_the_page_says_how_much_to_whom_before_it_books_anything(door: Door, people: People) -> None:
    seller = await seller_at(door)
    told, untold = await seller.sell(2, email="mara@example.org"), await seller.sell()
    await called_off(door)
    page = await people.page()
    assert f'href="{address(told)}"' in page
    asked = await people.page(address(told))
    for words in ("€30.00 is handed over", "mara@example.org", "2 × <bdi>Entry</bdi>", "<bdi>Main door</bdi>"):
        assert words in asked
    assert all(write_code(code) in asked for code in (told["order"], *(one["code"] for one in told["tickets"])))
    assert "No address was told" in await people.page(address(untold))
    assert await door.value("SELECT count(*) FROM door_sale WHERE voided_at IS NOT NULL") == 0
    booked = await people.press(told, reason=" Rain came in ")
    assert booked.status_code == 303
    page = await people.page(booked.headers["location"].partition("#")[0])
    assert f"<strong>€30.00 of order {write_code(told['order'])}</strong> is booked as handed back" in page
    assert "<strong>€15.00</strong> of 1 order is still owed" in page
    assert await door.value(LEDGER, "cash") == 1500
    assert await door.value(LEDGER, "refunds") == 3000
    assert (await seller.till())["cash_up"]["expected"] == 24_500  # it came out of another box than the scanner's
    async with door.shop.box.db.transaction() as connection:
        story = tell(await read_story(connection, told["order"]))
    assert f"the cash was handed back by {BOSS}: Rain came in" in story


async def test_pressed_twice_or_by_two_people_at_once_it_is_booked_once(door: Door, people: People) -> None:
    seller = await seller_at(door)
    sale = await seller.sell(2)
    await called_off(door)
    await people.enter(PARTNER)
    answers = await together(*(people.press(sale, who) for who in (BOSS, PARTNER) * 3))
    assert sorted(answer.status_code for answer in answers) == [303, *[409] * 5]
    by = await door.value("SELECT email FROM door_sale JOIN person ON person.id = void_person_id")
    for answer in answers:
        if answer.status_code == 409:
            assert f"by <bdi>{by}</bdi>" in answer.text
            assert "It is booked once" in answer.text
    again = await people.press(sale)
    assert (again.status_code, "Hand nothing over again" in again.text) == (409, True)
    assert "Hand nothing over again" in await people.page(address(sale))
    with pytest.raises(WentBackBefore):
        await people.says(run_give_back, sale["order"], "a storm")
    assert await door.value(LEDGER, "refunds") == 3000


async def test_without_counting_what_was_changed_each_of_them_would_believe_it(
    door: Door, people: People, monkeypatch: pytest.MonkeyPatch
) -> None:
    sale = await (await seller_at(door)).sell()
    await called_off(door)
    careless = Command(give_cash_back.WENT_BACK.sql.replace(" AND voided_at IS NULL", ""))
    monkeypatch.setattr(give_cash_back, "WENT_BACK", careless)
    answers = await together(*(people.press(sale) for _ in range(3)))
    assert [answer.status_code for answer in answers] == [303] * 3


async def test_only_an_organiser_of_this_night_books_it_and_no_other_site_does(door: Door, people: People) -> None:
    sale = await (await seller_at(door)).sell()
    await called_off(door)
    moved, door.shop.box.db.moved_clock = door.shop.box.db.moved_clock, None
    await load(door.shop.box.db, NIGHT.replace("tiefdruck", "hochdruck").replace("Tiefdruck", "Hochdruck"))
    door.shop.box.db.moved_clock = moved
    await people.enter(GATE, DOOR)
    await people.enter(OTHER, organisation="hochdruck")
    for who in (GATE, OTHER):
        assert (await people.press(sale, who)).status_code == 404
        assert (await people.get(address(sale), who)).status_code == 404
    assert 'action="/tickets/login"' in (await people.press(sale, "nobody")).text
    assert (await people.press(sale, **{"Sec-Fetch-Site": "cross-site"})).status_code == 403
    elsewhere = await people.get(address(sale).replace("tiefdruck", "hochdruck"), OTHER)
    assert (elsewhere.status_code, "no such order" in elsewhere.text) == (404, True)
    page = await people.page(who=GATE)
    assert "€15.00</strong> of 1 order is still owed" in page
    assert "An organiser hands it over" in page
    assert address(sale) not in page
    assert await door.value("SELECT count(*) FROM door_sale WHERE voided_at IS NOT NULL") == 0


@pytest.mark.slow
async def test_what_is_not_owed_gets_a_clear_answer_and_changes_nothing(door: Door, people: People) -> None:
    seller = await seller_at(door)
    sale, card, back = await seller.sell(), await seller.sell(paid_by="card"), await seller.sell()
    refused = await people.press(sale)
    assert (refused.status_code, "the night takes place" in refused.text) == (409, True)
    await seller.void(back)
    await called_off(door)
    for asked in (await people.press(card), await people.get(address(card))):
        assert (asked.status_code, "was not paid in cash at the door" in asked.text) == (409, True)
    assert "by a scanner that sells: <bdi>Too many</bdi>" in (await people.press(back)).text
    assert (await people.press({"order": "nonsense"})).status_code == 404
    for reason in ("", "x" * 201, "a\tb"):
        wrong = await people.press(sale, reason=reason)
        assert (wrong.status_code, 'id="reason-wrong"' in wrong.text) == (422, True)
        with pytest.raises(Unprocessable):
            await people.says(run_give_back, sale["order"], reason)
    assert await door.value(LEDGER, "cash") == 1500


async def test_calling_a_night_off_tells_the_cash_that_goes_back_by_hand(door: Door, people: People) -> None:
    seller = await seller_at(door)
    first = await seller.sell(2)
    await seller.sell()
    await seller.void(await seller.sell())
    dry = await people.cancel()
    assert "2 sales for cash at the door, 3 tickets that end: €45.00 goes back by hand" in dry
    assert f"boxoffice door owed {SLUG}, or http://localhost:3000{PAGE}#cash-owed" in dry
    assert "Nothing is changed" in dry
    done = await people.cancel(yes=True)
    assert "  0 orders left" in done
    assert "cancelled, and every order is dealt with" in done
    assert "2 sales for cash at the door: €45.00 goes back by hand" in done
    assert (await people.press(first)).status_code == 303
    assert "1 sale for cash at the door: €15.00 goes back by hand" in await people.cancel()


async def test_each_currency_has_a_sum_of_its_own(door: Door) -> None:
    now = door.shop.box.db.moved_clock
    assert now is not None
    sales = [
        CashSale("", minor, currency, now, door.event_id, "", None, None, None, from_box=False)
        for minor, currency in ((1500, "eur"), (700, "chf"), (300, "eur"))
    ]
    assert [(one.currency, one.amount_minor, one.orders) for one in sums(sales)] == [("chf", 700, 1), ("eur", 1800, 2)]
