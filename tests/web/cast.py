"""Orders in every state that a page can show, made where no payment service is needed."""

from datetime import timedelta
from uuid import UUID, uuid4

from boxoffice.box import BoxOffice
from boxoffice.door.cash_up import lock_seller, open_cash_box
from boxoffice.door.device import Paired, make_link, night_of, pair
from boxoffice.door.entry_list import open_now
from boxoffice.door.sell import Wish, sell
from boxoffice.edge.visitor import order_cookie
from boxoffice.foundation.db import Connection
from boxoffice.orders.order import OrderView, show_order
from boxoffice.orders.place import Line, Placed, Request
from boxoffice.tickets.issue import issue
from tests.nights import NIGHT

MARA = "mara@example.org"
SESSION_ID = "cs_test_of_mara"
CHECKOUT_URL = "https://checkout.stripe.com/c/pay/cs_test_of_mara"
NAMES = ("نور الهدى", "Zoë 🎧 Šimůnek")
SUPPORTER = """
[[night.ticket_type]]
name = "Supporter"
description = "Entry, and a little more for the people who keep the lights on."

[[night.ticket_type.release]]
name = "Supporter"
price = "30.00"
quantity = 5
"""
LONG_NIGHT = (
    NIGHT.replace(
        "room_capacity",
        'description = "The boiler is **warm** again.\\n\\n- one room\\n- one system"\nage_minimum = 18\nroom_capacity',
    )
    + SUPPORTER
)

ENTRY_ENDS = {
    "type": """UPDATE ticket_type SET last_entry_at = doors_at + interval '150 minutes' FROM event""",
    "list": """INSERT INTO entry_list (event_id, id, name, last_entry_at, re_entry)
        SELECT id, id, 'Door', doors_at + interval '150 minutes', false FROM event""",
}
"""Entry ends at half past midnight: by the ticket type, or by the only list that takes it."""

TO_OPEN = """UPDATE payment_attempt SET status = 'sending', parameters = '{}' WHERE order_id = $1"""
OPENED = """UPDATE payment_attempt SET status = 'open', session_id = $2, session_url = $3, session_expires_at = clock()
  + interval '40 minutes' WHERE order_id = $1"""
PAYMENT = """INSERT INTO payment (event_id, payment_intent_id, order_id, attempt_number, amount_minor, currency,
  purpose, received_at) SELECT event_id, $2, id, 1, total_minor, currency, $3, clock() FROM orders WHERE id = $1"""
REFUND = """INSERT INTO refund (event_id, id, order_id, payment_intent_id, decision, reason, amount_minor, currency,
  status, decided_at)
  SELECT event_id, id, id, $2, code, $3, total_minor, currency, $4, clock() FROM orders WHERE id = $1"""


async def place(
    box: BoxOffice, slug: str = "tiefdruck-eins", quantity: int = 2, *, email: str = MARA, names: tuple[str, ...] = ()
) -> OrderView:
    """An order whose turn to be paid comes in twenty seconds."""
    counter = await box.till.counter(slug)
    async with box.db.transaction() as connection:
        type_id = await connection.fetchval(
            "SELECT id FROM ticket_type WHERE event_id = $1 ORDER BY position LIMIT 1", counter.event_id
        )
    line = Line(UUID(str(type_id)), quantity, None, names)
    placed = await counter.orders.submit(Request(f"key-{uuid4()}", email, (line,)))
    assert isinstance(placed, Placed), placed
    async with box.db.transaction() as connection:
        await connection.execute(
            "UPDATE payment_attempt SET turn_at = clock() + $2::interval WHERE order_id = $1",
            placed.id,
            timedelta(seconds=20),
        )
        return await show_order(connection, placed.code)


async def paying(box: BoxOffice, **how: object) -> OrderView:
    """An order with an address to pay at."""
    view = await place(box, **how)  # type: ignore[arg-type]
    async with box.db.transaction() as connection:
        await connection.execute(TO_OPEN, view.order.id)
        await connection.execute(OPENED, view.order.id, SESSION_ID + view.order.code[:-1], CHECKOUT_URL)
        await move(connection, view, "paying")
    return await again(box, view)


async def paid(box: BoxOffice, **how: object) -> OrderView:
    """An order with its tickets."""
    view = await paying(box, **how)
    async with box.db.transaction() as connection:
        await connection.execute("UPDATE payment_attempt SET status = 'complete' WHERE order_id = $1", view.order.id)
        await move(connection, view, "paid", "paid_at = clock()")
        await issue(connection, view.order.event_id, {view.order.id: view.order.code})
    return await again(box, view)


async def moved(box: BoxOffice, status: str, *, reason: str | None = None, **how: object) -> OrderView:
    """An order that went from `paying` to `status`."""
    view = await paying(box, **how)
    async with box.db.transaction() as connection:
        await connection.execute("UPDATE orders SET ended_reason = $2 WHERE id = $1", view.order.id, reason)
        await move(connection, view, status)
    return await again(box, view)


async def refunded(
    box: BoxOffice, *, late: bool, status: str = "succeeded", reason: str = "requested", **how: object
) -> OrderView:
    """Money that came too late and goes back (`late`), or an order whose tickets were refunded for a `reason`."""
    view = await (moved(box, "expired", **how) if late else paid(box, **how))  # type: ignore[arg-type]
    return await give_back(box, view, "came_too_late" if late else reason, status=status)


async def give_back(box: BoxOffice, view: OrderView, reason: str, *, status: str = "succeeded") -> OrderView:
    """All the money of an order goes back, and its tickets, when there are any, are void."""
    async with box.db.transaction() as connection:
        payment = f"pi_{view.order.code[:-1]}"
        purpose = "kept" if view.tickets else "returned"
        await connection.execute(PAYMENT, view.order.id, payment, purpose)
        await connection.execute(REFUND, view.order.id, payment, reason, status)
        await move(connection, view, "refunded")
        await connection.execute("UPDATE ticket SET status = 'refunded' WHERE order_id = $1", view.order.id)
    return await again(box, view)


async def part_refunded(box: BoxOffice, *, goodwill: bool, **how: object) -> OrderView:
    """An order of which one ticket was refunded, or a part of the price with all tickets good (`goodwill`)."""
    view = await paid(box, **how)
    async with box.db.transaction() as connection:
        payment = f"pi_{view.order.code[:-1]}"
        await connection.execute(PAYMENT, view.order.id, payment, "kept")
        reason = "goodwill" if goodwill else "requested"
        await connection.execute(REFUND, view.order.id, payment, reason, "succeeded")
        await connection.execute("UPDATE refund SET amount_minor = amount_minor / 2 WHERE order_id = $1", view.order.id)
        if not goodwill:
            await connection.execute("UPDATE ticket SET status = 'refunded' WHERE id = $1", view.tickets[0].id)
        await move(connection, view, "part_refunded")
    return await again(box, view)


async def disputed(box: BoxOffice, *, lost: bool, **how: object) -> OrderView:
    """An order whose payment a bank has taken back: until somebody wins, or for good (`lost`)."""
    view = await paid(box, **how)
    async with box.db.transaction() as connection:
        change = "status = 'cancelled', blocked_reason = 'dispute_lost'" if lost else "blocked_reason = 'disputed'"
        await connection.execute(f"UPDATE ticket SET {change} WHERE order_id = $1", view.order.id)
    return await again(box, view)


async def move(connection: Connection, view: OrderView, status: str, also: str = "revision = revision") -> None:
    """Sets an order's status."""
    await connection.execute(f"UPDATE orders SET status = $2, {also} WHERE id = $1", view.order.id, status)


async def again(box: BoxOffice, view: OrderView) -> OrderView:
    """The order as it is now."""
    async with box.db.transaction() as connection:
        return await show_order(connection, view.order.code)


def key_of(box: BoxOffice, view: OrderView) -> dict[str, str]:
    """The cookie by which a browser sees the order."""
    made = order_cookie(box.settings, view.order, view.order.code)
    return {made.key: made.value or ""}


async def sold_for_cash(box: BoxOffice, slug: str, gate: str, *sales: tuple[int, str]) -> list[str]:
    """The codes of orders that a scanner of this gate sold for 22.00 a ticket: how many tickets, and the address that
    was told, or none."""
    secret = box.settings.secret_key
    async with box.db.transaction() as connection:
        night = await night_of(connection, slug)
        made = await make_link(connection, secret, night.id, gate, sells=True)
        paired = await pair(connection, secret, slug, made.link, made.pin, None)
        assert isinstance(paired, Paired)
        await open_now(connection, night.id)
        await open_cash_box(connection, await lock_seller(connection, slug, paired.token), 20_000)
        offered = await connection.fetchval("SELECT ticket_type_id FROM release WHERE event_id = $1", night.id)
        entry = UUID(str(offered))
        await connection.execute("INSERT INTO door_price VALUES ($1, $2, clock(), 2200, true, true)", night.id, entry)
    codes: list[str] = []
    for number, (quantity, email) in enumerate(sales):
        wish = Wish(f"of-the-cast-{number}", entry, quantity, 2200, "cash", email)
        codes.append((await sell(box.till, slug, paired.token, wish)).view.order.code)
    return codes
