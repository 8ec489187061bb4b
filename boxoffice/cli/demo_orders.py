"""What others have bought in the demo before you came: real orders for three small nights.

They take the promotional code of the nights file, so that no payment is needed and money adds up, with or without a
Stripe.
"""

from datetime import timedelta

from boxoffice.box import BoxOffice
from boxoffice.catalogue.events import event_on_sale
from boxoffice.foundation.clock import now
from boxoffice.orders.buy import OrderRequest, buy
from boxoffice.orders.place import Line
from boxoffice.settings import Settings

BOUGHT = {"sub-zero": (10, 10), "osnowa": (10, 3), "minamo-listening": (10, 10, 9)}
"""Night: tickets of each order. Of `sub-zero` ten are left then, for its door too, of `osnowa` nothing, of
`minamo-listening` three."""
CODE = "FRIENDS"
BOUGHT_AGO = timedelta(days=3)
"""Before anybody came in with what was bought."""


async def buy_for_the_demo(settings: Settings) -> None:
    """Places the orders; a second time it finds them placed."""
    box = BoxOffice.from_settings(settings)
    try:
        box.db.moved_clock = await box.db.attempt(now) - BOUGHT_AGO
        for slug, quantities in BOUGHT.items():
            async with box.db.transaction() as connection:
                _, (ticket_type,) = await event_on_sale(connection, slug)
            for number, quantity in enumerate(quantities, 1):
                line = Line(ticket_type.id, quantity, None)
                request = OrderRequest(f"demo-order-{slug}-{number}", f"guest{number}@example.org", (line,), CODE)
                await buy(box.till, slug, request)
    finally:
        await box.close()
