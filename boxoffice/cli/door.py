"""`boxoffice door ACTION`: a night's scanners, keys and cash boxes."""

import argparse
from base64 import b64encode
from collections.abc import Callable
from uuid import UUID

from boxoffice.box import BoxOffice
from boxoffice.cli.about import in_transaction, may_be_demo, reading_of
from boxoffice.door.cash_owed import cash_sales, still_owed, sums
from boxoffice.door.cash_up import CashUp, cash_ups, open_again
from boxoffice.door.device import device_label, devices, gate_named, make_link, night_of, revoke, unlock
from boxoffice.foundation.db import Connection
from boxoffice.foundation.problems import NotFound
from boxoffice.foundation.written import write_money
from boxoffice.orders.give_cash_back import give_cash_back, read_reason
from boxoffice.orders.order import show_order
from boxoffice.settings import Reading
from boxoffice.tickets.code import add_key, keys_of_night, retire_key

NEWEST_SIGNS = """\
Tickets that are bought or sent on from now on are signed with the newest key; those of before keep theirs and stay
genuine. Scanners know it after their next sync."""
RETIRED = """\
Doors no longer take codes that key {} signed, scanners without a network after their next sync. Tickets' pages, PDFs
and passes show codes of the newest key from now on; what is on paper has to be printed anew, or its letters typed."""


def add_arguments(command: argparse.ArgumentParser) -> None:
    """`boxoffice door ACTION`."""
    add = command.add_subparsers(required=True, metavar="ACTION").add_parser
    _add_scanners(add)
    _add_cash(add)


def _add_scanners(add: Callable[..., argparse.ArgumentParser]) -> None:
    pair = add("pair", help="a link and a PIN for one more scanner")
    pair.add_argument("event", metavar="EVENT", help="the night's address, as in /events/EVENT")
    pair.add_argument("--gate", required=True, metavar="NAME", help="where it stands, as in `Main door`")
    pair.add_argument("--list", default="", metavar="NAME", help="what people enter by; the night's first unless said")
    pair.add_argument("--supervisor", action="store_true", help="may let in what was refused, with a reason")
    pair.add_argument("--sells", action="store_true", help="may sell at the door, for cash and by card")
    pair.set_defaults(run=_pair)
    shown = add("devices", help="a night's scanners")
    shown.set_defaults(run=lambda given: run_devices(reading_of(given), given.event))
    revoke = add("revoke", help="take a scanner out of service, as when it was stolen")
    revoke.set_defaults(run=lambda given: run_change(reading_of(given), given.event, given.device, unlocks=False))
    unlock = add("unlock", help="let a link be tried again after wrong PINs")
    unlock.set_defaults(run=lambda given: run_change(reading_of(given), given.event, given.device, unlocks=True))
    keys = add("keys", help="the public keys that a night's tickets are signed with")
    keys.set_defaults(
        run=lambda given: run_keys(reading_of(given), given.event, rotate=given.rotate, retire=given.retire)
    )
    for action in (shown, revoke, unlock, keys):
        action.add_argument("event", metavar="EVENT")
    for action in (revoke, unlock):
        action.add_argument("device", metavar="DEVICE", type=UUID, help="its id, as `boxoffice door devices` shows it")
    keys.add_argument("--rotate", action="store_true", help="sign with a new one from now on; older ones stay good")
    keys.add_argument("--retire", type=int, metavar="NUMBER", help="take no more codes that this key signed: it leaked")
    for action in (pair, shown, revoke, unlock, keys):
        may_be_demo(action)


def _add_cash(add: Callable[..., argparse.ArgumentParser]) -> None:
    cash_up = add("cash-up", help="what each scanner sold, and what its cash box should hold")
    cash_up.set_defaults(run=lambda given: run_cash_up(reading_of(given), given.event))
    again = add("open-again", help="take a scanner's cash-up back that was wrong; it counts anew")
    again.set_defaults(run=lambda given: run_open_again(reading_of(given), given.event, given.device, given.reason))
    owed = add("owed", help="the cash that a cancelled night has still to hand back, by order")
    owed.set_defaults(run=lambda given: run_owed(reading_of(given), given.event))
    for action in (cash_up, again, owed):
        action.add_argument("event", metavar="EVENT")
    again.add_argument("device", metavar="DEVICE", type=UUID, help="its id, as `boxoffice door cash-up` shows it")
    again.add_argument("--reason", required=True, metavar="TEXT", help="kept with the count that was wrong")
    give_back = add("give-back", help="book that the cash of an order was handed back, all of it")
    give_back.set_defaults(run=lambda given: run_give_back(reading_of(given), given.order, given.reason))
    give_back.add_argument("order", metavar="CODE", help="the order's code")
    give_back.add_argument("--reason", required=True, metavar="TEXT", help="kept with the sale")
    for action in (cash_up, again, owed, give_back):
        may_be_demo(action)


def _pair(given: argparse.Namespace) -> None:
    role = "supervisor" if given.supervisor else "staff"
    run_pair(reading_of(given), given.event, given.gate, role=role, list_name=given.list, sells=given.sells)


def run_pair(reading: Reading, slug: str, gate: str, *, role: str, list_name: str, sells: bool) -> None:
    """Prints the link and the PIN of a new scanner. Raises SettingsProblem, NotFound, Unprocessable."""
    gate = gate_named(gate)

    async def make(box: BoxOffice, connection: Connection) -> str:
        night = await night_of(connection, slug)
        made = await make_link(
            connection, box.settings.secret_key, night.id, gate, role=role, list_name=list_name, sells=sells
        )
        return (
            f"A scanner for {gate} ({role}{', sells' if sells else ''}), {made.device_id}\n"
            f"  link  {box.settings.base_url}/door/{slug}/{made.link}\n"
            f"  PIN   {made.pin}\n"
            "Open the link on the phone that scans, and tell the PIN by another way. Neither can be shown again."
        )

    print(in_transaction(reading, make))


def run_devices(reading: Reading, slug: str) -> None:
    """Prints a line for each scanner. Raises SettingsProblem, NotFound."""

    async def look(_box: BoxOffice, connection: Connection) -> list[str]:
        lines: list[str] = []
        for one in await devices(connection, (await night_of(connection, slug)).id):
            state = "revoked" if one.revoked_at else "in service" if one.paired_at else "not paired yet"
            seen = f", last seen {one.seen_at:%Y-%m-%d %H:%M:%S %Z}" if one.seen_at else ""
            wrong = f", {'locked by ' if one.is_locked else ''}{one.wrong_pins} wrong PINs" if one.wrong_pins else ""
            may = f"{one.role}, {one.list_name}{', sells' if one.sells else ''}"
            lines.append(f"{one.id}  {one.gate} ({may}): {state}{seen}{wrong}")
        return lines

    lines = in_transaction(reading, look)
    print("\n".join(lines) if lines else f"{slug} has no scanner yet: boxoffice door pair {slug} --gate 'Main door'")


def run_change(reading: Reading, slug: str, device_id: UUID, *, unlocks: bool) -> None:
    """Revokes a scanner or unlocks its link. Raises SettingsProblem, NotFound."""

    async def change(_box: BoxOffice, connection: Connection) -> bool:
        night = await night_of(connection, slug)
        return await (unlock if unlocks else revoke)(connection, night.id, device_id)

    if not in_transaction(reading, change):
        raise NotFound(f"{slug} has no such scanner in service. `boxoffice door devices {slug}` shows them.")
    print("The link can be tried again." if unlocks else "This scanner is out of service.")


def run_keys(reading: Reading, slug: str, *, rotate: bool, retire: int | None = None) -> None:
    """Prints the night's public keys, after adding one to them or retiring one. Raises SettingsProblem, NotFound,
    NewestKey."""

    async def look(box: BoxOffice, connection: Connection) -> list[str]:
        night = await night_of(connection, slug)
        if rotate:
            await add_key(connection, box.settings.secret_key, night.id)
        if retire is not None:
            await retire_key(connection, night.id, retire)
        return [
            f"{key.number}  since {key.created_at:%Y-%m-%d %H:%M:%S %Z}  {b64encode(key.public_key).decode()}"
            + (f"  retired {key.retired_at:%Y-%m-%d %H:%M:%S %Z}" if key.retired_at else "")
            for key in await keys_of_night(connection, night.id)
        ]

    lines = in_transaction(reading, look)
    print(
        "\n".join(lines)
        if lines
        else f"{slug} has no key yet: the first scanner that is paired, or ticket that is looked at, makes it."
    )
    if rotate:
        print(NEWEST_SIGNS)
    if retire is not None:
        print(RETIRED.format(retire))


def run_cash_up(reading: Reading, slug: str) -> None:
    """Prints every cash box of a night with what was sold there. Raises SettingsProblem, NotFound."""

    async def look(_box: BoxOffice, connection: Connection) -> list[str]:
        found = await cash_ups(connection, (await night_of(connection, slug)).id)
        return [line for place, one in enumerate(found) for line in (*([""] if place else []), *_cash_up(one))]

    lines = in_transaction(reading, look)
    print("\n".join(lines) if lines else f"No scanner of {slug} has counted a cash box.")


def run_open_again(reading: Reading, slug: str, device_id: UUID, reason: str) -> None:
    """Takes a scanner's count back. Raises SettingsProblem, NotFound, Unprocessable."""
    reason = read_reason(reason)

    async def change(_box: BoxOffice, connection: Connection) -> bool:
        return await open_again(connection, (await night_of(connection, slug)).id, device_id, reason)

    if not in_transaction(reading, change):
        raise NotFound(f"{slug} has no such scanner that was cashed up. `boxoffice door cash-up {slug}` shows them.")
    print("The cash box is open again: this scanner sells, and is cashed up anew. The count before is kept.")


def run_owed(reading: Reading, slug: str) -> None:
    """Prints the orders of a cancelled night whose cash is to be handed back. Raises SettingsProblem, NotFound."""

    async def look(_box: BoxOffice, connection: Connection) -> list[str]:
        owed = still_owed(await cash_sales(connection, (await night_of(connection, slug)).id))
        lines = [
            f"{one.code}  {write_money(one.amount_minor, one.currency):>10}  "
            f"sold {one.sold_at:%Y-%m-%d %H:%M %Z}, {one.gate} {device_label(one.device_id)}"
            for one in owed
        ]
        if owed:
            total = " and ".join(write_money(one.amount_minor, one.currency) for one in sums(owed))
            lines.append(f"{total} in all. As each is handed back: boxoffice door give-back CODE --reason TEXT")
        return lines

    lines = in_transaction(reading, look)
    print("\n".join(lines) if lines else f"{slug} owes nobody cash: it takes place, or all of it was handed back.")


def run_give_back(reading: Reading, code: str, reason: str) -> None:
    """Books that an order's cash was handed back. Raises SettingsProblem, NotFound, NotCash, Unprocessable."""
    reason = read_reason(reason)

    async def book(_box: BoxOffice, connection: Connection) -> str:
        order = (await show_order(connection, code)).order
        await give_cash_back(connection, (order.event_id, order.id), reason)
        amount = write_money(order.total_minor, order.currency)
        return f"{amount} of order {order.code} were handed back: its tickets open nothing, its places are on sale."

    print(in_transaction(reading, book))


def _cash_up(one: CashUp) -> list[str]:
    def money(minor: int) -> str:
        return write_money(minor, one.currency)

    lines = [f"{one.gate}, {one.device_id}"]
    for line in one.lines:
        back = f", {line.voided} of them taken back ({money(line.voided_minor)})" if line.voided else ""
        price = f"{line.sold} x {line.ticket_type} at {money(line.price_minor)}, {line.paid_by}"
        lines.append(f"  {price}: {money(line.sold_minor)}{back}")
    lines.append(f"  card      {money(one.card_minor)}")
    lines.append(f"  float     {money(one.float_minor)}")
    lines.append(f"  cash      {money(one.cash_minor)}, taken back {money(one.voided_minor)}")
    lines.append(f"  expected  {money(one.expected_minor)}")
    for wrong in one.undone:
        counted = f"counted {money(wrong.counted_minor)} of {money(wrong.expected_minor)}"
        lines.append(f"  taken back: {counted} at {wrong.closed_at:%Y-%m-%d %H:%M %Z}: {wrong.reason}")
    if one.counted_minor is None or one.difference_minor is None:
        return [*lines, "  not counted yet"]
    difference = f"{'+' if one.difference_minor > 0 else ''}{money(one.difference_minor)}"
    return [*lines, f"  counted   {money(one.counted_minor)}, difference {difference}"]
