"""`boxoffice guests load | list | link`: a night's guest lists, as the page under /organiser shows them too."""

import argparse
from pathlib import Path

from boxoffice.box import BoxOffice
from boxoffice.cli.about import in_transaction, may_be_demo, reading_of
from boxoffice.door.device import night_of
from boxoffice.foundation.db import Connection
from boxoffice.foundation.problems import Unprocessable
from boxoffice.foundation.written import write_date, write_time
from boxoffice.guests.add import add_named
from boxoffice.guests.guest_list import GuestList, guests_on, list_named, lists_of, revoke_link, share_token
from boxoffice.guests.read_csv import read_guests
from boxoffice.settings import Reading


def add_arguments(command: argparse.ArgumentParser) -> None:
    """`boxoffice guests ACTION`."""
    actions = command.add_subparsers(required=True, metavar="ACTION")
    load = actions.add_parser("load", help="add the guests of a CSV file: name, plus_ones, email, list")
    shown = actions.add_parser("list", help="who is on the lists")
    link = actions.add_parser("link", help="the link by which a list is filled in")
    for action in (load, shown, link):
        action.add_argument("event", metavar="EVENT", help="the night's address, as in /events/EVENT")
        may_be_demo(action)
    load.add_argument("file", type=Path, metavar="FILE.csv")
    load.add_argument("--list", default="", metavar="LIST", help="the list of every line that names none")
    load.set_defaults(run=lambda given: run_load(reading_of(given), given.event, given.file, given.list))
    shown.set_defaults(run=lambda given: run_list(reading_of(given), given.event))
    link.add_argument("list", metavar="LIST", help="its name")
    link.add_argument("--new", action="store_true", help="make a new link: those given out before stop working")
    link.set_defaults(run=lambda given: run_link(reading_of(given), given.event, given.list, new=given.new))


def run_load(reading: Reading, slug: str, path: Path, list_name: str) -> None:
    """Adds the guests of a CSV file, all or none. Raises SettingsProblem, NotFound, Unprocessable, GuestListFull,
    GuestListClosed."""
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise Unprocessable(f"{path} cannot be read: {error.strerror}.") from error
    except UnicodeDecodeError as error:
        raise Unprocessable(f"{path} is not UTF-8. Save it as `CSV UTF-8`, as spreadsheets call that.") from error

    async def load(_box: BoxOffice, connection: Connection) -> list[str]:
        await night_of(connection, slug)
        if list_name:
            await list_named(connection, slug, list_name)
        lists = {one.name: one for one in await lists_of(connection, slug)}
        lines: list[str] = []
        for name, guests in read_guests(text, lists, list_name).items():
            added = await add_named(connection, lists[name], guests, "csv")
            before = len(guests) - len(added)
            also = f"; {before} of the file had been on it before" if before else ""
            people = sum(one.people for one in added)
            lines.append(f"{name}: {len(added)} added, {people} {'person' if people == 1 else 'people'}{also}.")
        return lines

    print("\n".join(in_transaction(reading, load)) or "The file names nobody.")


def run_list(reading: Reading, slug: str) -> None:
    """Prints every list with its guests. Raises SettingsProblem, NotFound."""

    async def look(_box: BoxOffice, connection: Connection) -> list[str]:
        await night_of(connection, slug)
        lines: list[str] = []
        for one in await lists_of(connection, slug):
            lines += ["", *_told(one)] if lines else _told(one)
            for guest in await guests_on(connection, one):
                plus = f" +{guest.plus_ones}" if guest.plus_ones else ""
                came = f", {guest.came} of {guest.people} in" if guest.came else ""
                lines.append(f"  {guest.name}{plus}{f'  {guest.email}' if guest.email else ''}{came}")
        return lines

    lines = in_transaction(reading, look)
    print("\n".join(lines) if lines else f"{slug} has no guest list: its nights file makes one, [[night.guest_list]].")


def run_link(reading: Reading, slug: str, list_name: str, *, new: bool) -> None:
    """Prints a list's link; `new`: those given out before stop working. Raises SettingsProblem, NotFound."""

    async def make(box: BoxOffice, connection: Connection) -> str:
        found = await list_named(connection, slug, list_name)
        revision = await revoke_link(connection, found) if new else found.link_revision
        token = share_token(box.settings.secret_key, found, revision)
        return f"{box.settings.base_url}/guests/{token}\nWhoever has it fills in {found.name} until {_closes(found)}."

    print(in_transaction(reading, make))


def _told(guest_list: GuestList) -> list[str]:
    state = "open until" if guest_list.is_open else "closed since" if guest_list.now >= guest_list.closes_at else "off;"
    people = f"{guest_list.taken} of {guest_list.quota} people"
    return [f"{guest_list.name} (given by {guest_list.given_by}): {people}, {state} {_closes(guest_list)}"]


def _closes(guest_list: GuestList) -> str:
    zone = guest_list.time_zone
    return f"{write_date(guest_list.closes_at, zone, 'EEE d MMM y')}, {write_time(guest_list.closes_at, zone)}"
