"""Guests from the nights file and from CSV, and the commands about lists."""

import asyncio
import subprocess
from pathlib import Path

import pytest

from boxoffice.catalogue.nights_file import read_nights_file
from boxoffice.cli.guests import run_load
from boxoffice.foundation.problems import Unprocessable
from boxoffice.guests.add import GuestListFull
from boxoffice.guests.guest_list import guests_of_night, guests_on
from boxoffice.guests.read_csv import read_guests
from boxoffice.settings import Reading
from tests.cli.test_commands import boxoffice
from tests.guests.conftest import CREW, FRIENDS, GUEST, WITH_LISTS, Lists
from tests.nights import NOW
from tests.shop import SLUG

NAMED = WITH_LISTS.replace(
    f'\n[[night.guest_list]]\nname = "{CREW}"',
    GUEST.format(name="Anna Blum", plus_ones=2, email="anna@example.org")
    + GUEST.format(name="Ben", plus_ones=0, email="")
    + f'\n[[night.guest_list]]\nname = "{CREW}"',
)


async def names(lists: Lists, name: str = FRIENDS) -> list[str]:
    async with lists.box.db.transaction() as connection:
        found = await guests_on(connection, await lists.one(name))
    return [f"{guest.name} +{guest.plus_ones}" for guest in found]


async def run(lists: Lists, *arguments: str) -> subprocess.CompletedProcess[str]:
    settings = lists.box.settings
    return await asyncio.to_thread(
        boxoffice, "guests", *arguments, DATABASE_URL=settings.database_url, SECRET_KEY=settings.secret_key
    )


async def test_a_nights_file_names_guests_once_however_often_it_is_loaded(lists: Lists) -> None:
    assert [await lists.load(NAMED) for _ in range(2)] == [2, 0]
    assert await names(lists) == ["Anna Blum +2", "Ben +0"]
    anna = await lists.value("SELECT code FROM guest JOIN orders ON id = order_id WHERE name = 'Anna Blum'")
    await lists.take_off(anna)
    assert await lists.load(NAMED) == 0  # who was taken off stays off
    assert await names(lists) == ["Ben +0"]


async def test_all_lists_of_a_night_are_read_at_once_as_each_by_itself(lists: Lists) -> None:
    await lists.load(NAMED)
    async with lists.box.db.transaction() as connection:
        friends, crew = await lists.one(FRIENDS), await lists.one(CREW)
        together = await guests_of_night(connection, friends.event_id)
        assert together == {friends.id: await guests_on(connection, friends)}
    await lists.add("Dora", on=CREW)
    async with lists.box.db.transaction() as connection:
        together = await guests_of_night(connection, friends.event_id)
        assert together == {one.id: await guests_on(connection, one) for one in (friends, crew)}
        assert [guest.name for guest in together[crew.id]] == ["Dora"]


async def test_a_file_with_more_new_guests_than_places_changes_nothing(lists: Lists) -> None:
    await lists.add("Dora", 3)
    with pytest.raises(GuestListFull, match="has 2 places left, and this is 4 people"):
        await lists.load(NAMED.replace('title = "Tiefdruck Eins"', 'title = "Another title"'))
    assert await lists.value("SELECT title FROM event") == "Tiefdruck Eins"
    assert await names(lists) == ["Dora +3"]


@pytest.mark.parametrize(
    ("old", "new", "field"),
    [
        ("quota = 6", "quota = 0", "guest_list[0].quota"),
        ("quota = 6", "quota = -3", "guest_list[0].quota"),
        ("quota = 6", "quota = 3", "guest_list[0].guest"),
        ("plus_ones_max = 3", "plus_ones_max = 1000", "guest_list[0].plus_ones_max"),
        ("plus_ones = 2", "plus_ones = 1000", "guest_list[0].guest[0].plus_ones"),
        ("plus_ones = 2", "plus_ones = -1", "guest_list[0].guest[0].plus_ones"),
        ('name = "Ben"', 'name = "\\u202e"', "guest_list[0].guest[1].name"),
        ("anna@example.org", "anna@", "guest_list[0].guest[0].email"),
        (f'name = "{CREW}"', f'name = "{FRIENDS}"', "guest_list[1].name"),
        (f'name = "{CREW}"', 'name = "Entry"', "guest_list[1].name"),
        ("next day 00:30", "20:00", "guest_list[0].last_entry_at"),
        ("next day 00:30", "soon", "guest_list[0].last_entry_at"),
        ("quota = 6", 'quota = 6\ncloses_at = "in 40 days 23:00"', "guest_list[0].closes_at"),
        ("quota = 6", 'quota = 6\ncheck = ["age", "age"]', "guest_list[0].check"),
        ("room_capacity = 60", 'age_minimum = 0\ncheck = ["age"]', "check"),
        ('name = "Entry"', 'name = "Entry"\nadmits = 0', "ticket_type[0].admits"),
        ('name = "Entry"', 'name = "Entry"\nadmits = 1000', "ticket_type[0].admits"),
        ('name = "Entry"', 'name = "Entry"\nlast_entry_at = "in 31 days 07:00"', "ticket_type[0].last_entry_at"),
    ],
)
def test_a_wrong_list_says_in_which_field(old: str, new: str, field: str) -> None:
    with pytest.raises(Unprocessable) as caught:
        read_nights_file(NAMED.replace(old, new), NOW)
    assert f"night[0].{field}" in [error.field for error in caught.value.errors]


async def test_a_type_that_was_sold_does_not_become_a_list(lists: Lists) -> None:
    as_type = '[[night.ticket_type]]\nname = "Crew"\nrelease = [{ name = "x", price = "0", quantity = 1 }]\n'
    with pytest.raises(Unprocessable, match='"Crew" cannot turn from a ticket type into a guest list'):
        await lists.load(WITH_LISTS.split(f'\n[[night.guest_list]]\nname = "{CREW}"')[0] + "\n" + as_type)


async def test_guests_come_from_a_spreadsheet(lists: Lists, tmp_path: Path) -> None:
    file = tmp_path / "guests.csv"
    file.write_text(
        "\ufeffName;plus_ones;E-mail;list\r\n".replace("E-mail", "email")
        + f"Anna Blum;2;anna@example.org;{FRIENDS}\r\n\r\nنور;;;crew\r\n"
    )
    done = await run(lists, "load", SLUG, str(file))
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == f"{FRIENDS}: 1 added, 3 people.\n{CREW}: 1 added, 1 person.\n"
    again = await run(lists, "load", SLUG, str(file))
    assert f"{FRIENDS}: 0 added, 0 people; 1 of the file had been on it before." in again.stdout
    told = await run(lists, "list", SLUG)
    assert f"{FRIENDS} (given by Lo Kontakt): 3 of 6 people, open until" in told.stdout
    assert "  Anna Blum +2  anna@example.org\n" in told.stdout
    assert "  نور\n" in told.stdout


@pytest.mark.slow
async def test_a_link_is_printed_and_made_anew(lists: Lists) -> None:
    done = await run(lists, "link", SLUG, FRIENDS.upper())
    assert done.stdout.splitlines()[0] == f"{lists.box.settings.base_url}{await lists.path()}"
    new = await run(lists, "link", SLUG, FRIENDS, "--new")
    assert new.stdout.splitlines()[0] == f"{lists.box.settings.base_url}{await lists.path()}"
    assert new.stdout != done.stdout
    unknown = await run(lists, "link", SLUG, "Nobody's")
    assert (unknown.returncode, f"It has: {FRIENDS}, {CREW}." in unknown.stderr) == (1, True)
    nowhere = await run(lists, "list", "nowhere")
    assert (nowhere.returncode, "no night at this address" in nowhere.stderr) == (1, True)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "the file has 0 lines"),
        ("Anna Blum\n", "The first line is headings"),
        ("name,shoe size\nAnna,38\n", "The first line is headings"),
        ("name,name\nAnna,Anna\n", "The first line is headings"),
        ("name\nAnna\n", "Say which list"),
        ('name,list\n"Anna,Crew\n', "This is not CSV"),
    ],
)
async def test_a_file_that_is_no_list_is_refused(lists: Lists, text: str, said: str) -> None:
    with pytest.raises(Unprocessable, match=said):
        read_guests(text, {FRIENDS: await lists.one()})


async def test_every_wrong_line_is_told_and_nobody_is_added(lists: Lists, tmp_path: Path) -> None:
    file = tmp_path / "guests.csv"
    file.write_text(
        "name,plus_ones,list\nAnna,1,Nobody's\nBen,1000,\nCem\0,0,\n,1,\nDora,1,,more\nEva,x,\nFine,1,\nFINE,2,\nFine,1,\n"
    )
    done = await run(lists, "load", SLUG, str(file), "--list", FRIENDS)
    assert done.returncode == 1
    for line in (
        "line 2, list: ",
        "line 3, plus_ones: ",
        "line 4, name: ",
        "line 5, name: ",
        "line 6: ",
        "line 7, plus",
        "line 9, plus_ones: Line 8 names them too, and says 1.",
    ):
        assert line in done.stderr
    assert "line 10" not in done.stderr
    assert await names(lists) == []
    file.write_text("name,plus_ones\nAnna,3\nBen,3\n")
    full = await run(lists, "load", SLUG, str(file), "--list", FRIENDS)
    assert (full.returncode, "has 6 places left, and this is 8 people. Nobody was added." in full.stderr) == (1, True)
    assert await names(lists) == []


async def test_a_line_that_names_no_list_is_told_which_there_are(lists: Lists) -> None:
    known = {FRIENDS: await lists.one(), CREW: await lists.one(CREW)}
    with pytest.raises(Unprocessable) as caught:
        read_guests("name,list\nAnna,\nBen,Nobody's\n", known)
    assert [one.detail for one in caught.value.errors] == [
        f"Say which list: {FRIENDS}, {CREW}.",
        f'This night has no guest list called "Nobody\'s". It has: {FRIENDS}, {CREW}.',
    ]


async def test_a_file_that_is_not_there_or_in_other_letters_says_what_to_do(lists: Lists, tmp_path: Path) -> None:
    reading = Reading(lists.box.settings, (), {})
    with pytest.raises(Unprocessable, match=r"none\.csv cannot be read: No such file or directory\.$"):
        run_load(reading, SLUG, tmp_path / "none.csv", "")
    (tmp_path / "latin.csv").write_bytes("name\nJörg\n".encode("latin-1"))
    with pytest.raises(Unprocessable, match=r"latin\.csv is not UTF-8\. Save it as"):
        run_load(reading, SLUG, tmp_path / "latin.csv", "")
