"""What importing the box office leaves out, for serverless functions to be up soon; a server loads it as it starts."""

from datetime import UTC, datetime
from importlib import import_module

from boxoffice.edge.render import environment
from boxoffice.foundation.written import write_day, write_money

LOADED_LATER = (
    *("boxoffice.worker.handlers", "boxoffice.foundation.mail"),  # mails and how they leave
    *("boxoffice.tickets.code", "segno"),  # a ticket's QR code
    *("markdown_it", "nh3"),  # a night's description
)


def load_pages() -> None:
    """What every page needs: the templates, and how days and money are written."""
    environment()
    write_day(datetime(2026, 1, 1, tzinfo=UTC), "UTC")
    write_money(0, "eur")


def load_the_rest(*, stripe: bool) -> None:
    """What the first mail, ticket or payment would wait for. Half a second: for a thread beside the first pages."""
    for name in (*LOADED_LATER, *(("stripe",) if stripe else ())):
        import_module(name)
