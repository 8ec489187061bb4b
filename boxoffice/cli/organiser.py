"""`boxoffice organiser add | list | remove`: who may look at an organisation's nights, and run their doors."""

from boxoffice.accounts.organisation import add_member, members, remove_member
from boxoffice.box import BoxOffice
from boxoffice.cli.door import in_transaction
from boxoffice.foundation.db import Connection
from boxoffice.foundation.email_address import read_email
from boxoffice.foundation.problems import NotFound, Unprocessable
from boxoffice.settings import Reading


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
