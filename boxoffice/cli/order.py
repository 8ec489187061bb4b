"""`boxoffice order WHAT`: the whole story of an order, or the orders that WHAT leads to."""

import argparse

from boxoffice.cli.about import may_be_demo, reading_of, with_database_alone
from boxoffice.foundation.db import Connection
from boxoffice.foundation.problems import NotFound
from boxoffice.orders.mail_again import mail_tickets_again
from boxoffice.orders.order import show_order
from boxoffice.settings import Reading
from boxoffice.support.find import find
from boxoffice.support.story import read_story
from boxoffice.support.tell import tell, tell_event, tell_list


def add_arguments(command: argparse.ArgumentParser) -> None:
    """`boxoffice order WHAT`."""
    what = "order or ticket code, e-mail, a link, the text of a QR code, or an id (cs_, pi_, ch_, re_, evt_, ...)"
    command.add_argument("what", metavar="WHAT", help=what)
    command.add_argument("--resend-mail", action="store_true", help="mail the order's tickets to its buyer again")
    may_be_demo(command)
    command.set_defaults(
        run=lambda arguments: run(reading_of(arguments), arguments.what, resend_mail=arguments.resend_mail)
    )


def run(reading: Reading, what: str, *, resend_mail: bool = False) -> None:
    """Prints it, or has the tickets mailed again.

    Needs the database alone, so that it works on a box office whose other settings are wrong.

    Raises SettingsProblem without a database, NotFound with advice, NoTickets.
    """
    verb = _mailed_again if resend_mail else _told
    print(with_database_alone(reading, lambda connection: verb(connection, what)))


async def _mailed_again(connection: Connection, what: str) -> str:
    found = await find(connection, what)
    if len(found.orders) != 1:
        raise NotFound("That leads to no single order. Name one: boxoffice order CODE --resend-mail")
    view = await show_order(connection, found.orders[0].code)
    return await mail_tickets_again(connection, view)


async def _told(connection: Connection, what: str) -> str:
    found = await find(connection, what)
    told = [tell_event(found.event)] if found.event and len(found.orders) != 1 else []
    if len(found.orders) == 1:
        told.append(tell(await read_story(connection, found.orders[0].code), found.remark))
    elif found.orders:
        told += [tell_list(found.orders), "The story of one: boxoffice order CODE"]
    elif found.event:
        told.append("It leads to no order of this box office: nothing was to be done here.")
    return "\n\n".join(told)
