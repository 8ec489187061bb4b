"""`boxoffice order WHAT`: the whole story of an order, or the orders that WHAT leads to."""

import asyncio

from boxoffice.environment.variables import SettingsProblem
from boxoffice.foundation.db import DATABASE_PROBLEM, Database
from boxoffice.foundation.problems import NotFound
from boxoffice.orders.mail_again import mail_tickets_again
from boxoffice.orders.order import show_order
from boxoffice.settings import Reading
from boxoffice.support.find import find
from boxoffice.support.story import read_story
from boxoffice.support.tell import tell, tell_event, tell_list


def run(reading: Reading, what: str, *, resend_mail: bool = False) -> None:
    """Prints it, or has the tickets mailed again.

    Needs the database alone, so that it works on a box office whose other settings are wrong.

    Raises SettingsProblem without a database, NotFound with advice, NoTickets.
    """
    settings = reading.settings
    if not settings.database_url:
        raise SettingsProblem(next(line for line in reading.problems if line.startswith("DATABASE_URL ")))
    db = Database(settings.database_url, size=1, pooled=settings.database_pooled)
    try:
        print(asyncio.run(_mailed_again(db, what) if resend_mail else _told(db, what)))
    except DATABASE_PROBLEM as error:
        kind = type(error.__cause__ or error).__name__
        raise SettingsProblem(
            f"DATABASE_URL leads to no answer ({kind}). `boxoffice doctor` says what to do."
        ) from error


async def _mailed_again(db: Database, what: str) -> str:
    try:
        async with db.transaction() as connection:
            found = await find(connection, what)
            if len(found.orders) != 1:
                raise NotFound("That leads to no single order. Name one: boxoffice order CODE --resend-mail")
            view = await show_order(connection, found.orders[0].code)
            return await mail_tickets_again(connection, view)
    finally:
        await db.close()


async def _told(db: Database, what: str) -> str:
    try:
        async with db.transaction() as connection:
            found = await find(connection, what)
            told = [tell_event(found.event)] if found.event and len(found.orders) != 1 else []
            if len(found.orders) == 1:
                told.append(tell(await read_story(connection, found.orders[0].code), found.remark))
            elif found.orders:
                told += [tell_list(found.orders), "The story of one: boxoffice order CODE"]
            elif found.event:
                told.append("It leads to no order of this box office: nothing was to be done here.")
    finally:
        await db.close()
    return "\n\n".join(told)
