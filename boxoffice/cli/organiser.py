"""`boxoffice organiser add | list | remove`: who may look at an organisation's nights, and run their doors."""

import argparse

from boxoffice.accounts.organisation import add_member, members, remove_member
from boxoffice.box import BoxOffice
from boxoffice.cli.about import in_transaction, may_be_demo, reading_of
from boxoffice.foundation.db import Connection
from boxoffice.foundation.email_address import read_email
from boxoffice.foundation.problems import NotFound, Unprocessable
from boxoffice.settings import Reading


def add_arguments(command: argparse.ArgumentParser) -> None:
    """`boxoffice organiser ACTION`."""
    actions = command.add_subparsers(required=True, metavar="ACTION")
    add = actions.add_parser("add", help="make somebody a member, or change their role")
    remove = actions.add_parser("remove", help="take a member out")
    shown = actions.add_parser("list", help="who is a member")
    for action in (add, remove):
        action.add_argument("email", metavar="EMAIL", help="with which they sign in")
        action.add_argument("--organisation", required=True, metavar="SLUG", help="as in the nights file")
    role = "organiser: everything of its nights; door: scanners and the door (organiser unless said)"
    add.add_argument("--role", choices=("organiser", "door"), default="organiser", help=role)
    shown.add_argument("--organisation", default="", metavar="SLUG", help="of this one alone")
    for action in (add, shown, remove):
        may_be_demo(action)
    add.set_defaults(run=lambda given: run_add(reading_of(given), given.email, given.organisation, given.role))
    shown.set_defaults(run=lambda given: run_list(reading_of(given), given.organisation))
    remove.set_defaults(run=lambda given: run_remove(reading_of(given), given.email, given.organisation))


def run_add(reading: Reading, email: str, organisation: str, role: str) -> None:
    """Adds a member, or changes their role. Raises SettingsProblem, NotFound, Unprocessable."""
    address = _address(email)

    async def add(box: BoxOffice, connection: Connection) -> str:
        await add_member(connection, address, organisation, role)
        return (
            f"{address} is a member of {organisation} ({role}).\n"
            f"They sign in with this address at {box.settings.base_url}/organiser"
        )

    print(in_transaction(reading, add))


def run_list(reading: Reading, organisation: str) -> None:
    """Prints a line for each member. Raises SettingsProblem, NotFound."""

    async def look(_box: BoxOffice, connection: Connection) -> list[str]:
        found = await members(connection, organisation)
        return [f"{one.organisation}  {one.email}  {one.role}, since {one.added_at:%Y-%m-%d}" for one in found]

    lines = in_transaction(reading, look)
    print("\n".join(lines) if lines else "No member yet: boxoffice organiser add EMAIL --organisation SLUG")


def run_remove(reading: Reading, email: str, organisation: str) -> None:
    """Takes a member out; scanners that they paired stay. Raises SettingsProblem, NotFound, Unprocessable."""
    address = _address(email)

    async def remove(_box: BoxOffice, connection: Connection) -> bool:
        return await remove_member(connection, address, organisation)

    if not in_transaction(reading, remove):
        raise NotFound(f"{address} is no member of {organisation}. `boxoffice organiser list` shows who is.")
    print(
        f"{address} is no member of {organisation} any more. Scanners that they made links for stay in service: "
        "`boxoffice door revoke` ends them."
    )


def _address(text: str) -> str:
    try:
        return read_email(text)
    except ValueError as error:
        raise Unprocessable(str(error)) from error
