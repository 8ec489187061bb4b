"""`boxoffice cancel EVENT`: shows what calling a night off means, does it, and shows how far it has come."""

import argparse
import asyncio

from boxoffice.box import BoxOffice
from boxoffice.cli.about import may_be_demo, reading_of
from boxoffice.foundation.written import write_money
from boxoffice.orders.cancel_night import Night, Tally, call_off, cancel_some, night_to_cancel, sent, tallies
from boxoffice.settings import Reading

DO_MEANS = {
    "held": "are ended, nothing was paid",
    "paying": "are ended at Stripe first; who has paid by then is refunded",
    "settling": "wait for their bank; if it pays, all of it goes back",
    "in_review": "are given back whole",
    "paid": "are refunded",
    "part_refunded": "are refunded what is left",
}
IN_A_ROW_MAX = 3


def add_arguments(command: argparse.ArgumentParser) -> None:
    """`boxoffice cancel EVENT`."""
    command.add_argument("event", metavar="EVENT", help="the night's address, as in /events/EVENT")
    command.add_argument("--reason", default="", metavar="TEXT", help="told on the night's page and in mails")
    command.add_argument("--dry-run", action="store_true", help="only show orders, tickets and money (the default)")
    command.add_argument("--yes", action="store_true", help="do it; again to go on after an interruption")
    may_be_demo(command)
    command.set_defaults(run=_run)


def _run(arguments: argparse.Namespace) -> None:
    slug, reason = arguments.event, arguments.reason
    run(reading_of(arguments), slug, reason=reason, dry_run=arguments.dry_run, yes=arguments.yes)


def run(reading: Reading, slug: str, *, reason: str, dry_run: bool, yes: bool) -> None:
    """Without `yes`, or with `dry_run`, prints only. Raises SettingsProblem, NotFound."""
    asyncio.run(_cancel(BoxOffice.from_settings(reading.whole()), slug, reason, act=yes and not dry_run))


async def _cancel(box: BoxOffice, slug: str, reason: str, *, act: bool) -> None:
    try:
        night = await _show(box, slug)
        if not act:
            if not night.asked:
                print(f"Nothing is changed. To do this: boxoffice cancel {slug} --yes")
            return
        async with box.db.transaction() as connection:
            await call_off(connection, night, reason)
        print("The sale is closed.", flush=True)
        await _work(box, slug)
        await _show(box, slug)
    finally:
        await box.close()


async def _work(box: BoxOffice, slug: str) -> None:
    """Round after round while fewer are left; what waits for Stripe or a bank is the worker's."""
    before, nothing = None, 0
    while nothing < IN_A_ROW_MAX:
        await cancel_some(box.till)
        async with box.db.transaction() as connection:
            night = await night_to_cancel(connection, slug)
            left = sum(one.unfinished for one in await tallies(connection, night) if one.status in DO_MEANS)
        print(f"  {left} orders left", flush=True)
        if night.finished:
            return
        nothing = 0 if before is None or left < before else nothing + 1
        before = left


async def _show(box: BoxOffice, slug: str) -> Night:
    async with box.db.transaction() as connection:
        night = await night_to_cancel(connection, slug)
        counted = await tallies(connection, night)
        refunds = await sent(connection, night)
    print(f"{night.title} ({slug}): {_state(night)}")
    with_stripe = [one for one in counted if one.status in DO_MEANS and not one.in_cash]
    for one in with_stripe:
        tickets = f", {one.tickets} ticket{'' if one.tickets == 1 else 's'}" if one.tickets else ""
        money = f", {write_money(one.left_minor, night.currency)}" if one.left_minor else ""
        orders = "1 order" if one.orders == 1 else f"{one.orders} orders"
        print(f"  {orders} {one.status.replace('_', ' ')}{tickets}{money}: {DO_MEANS[one.status]}")
        if one.disputed:
            print(
                f"    {one.disputed} of them disputed: the bank has the money, the tickets end without a refund of ours"
            )
    if not with_stripe:
        print("  no order is left to end or refund")
    for one in counted:
        if one.in_cash:
            _show_cash(box, slug, night, one)
    for one in refunds:
        print(f"  refunds {one.status}: {one.refunds}, {write_money(one.amount_minor, night.currency)}")
    if any(one.status == "decided" for one in refunds):
        print("  The worker sends what is decided; this command again shows how far it has come.")
    return night


def _show_cash(box: BoxOffice, slug: str, night: Night, cash: Tally) -> None:
    sales = "sale" if cash.orders == 1 else "sales"
    tickets = f", {cash.tickets} tickets that end" if cash.tickets else ""
    total = write_money(cash.left_minor, night.currency)
    print(f"  {cash.orders} {sales} for cash at the door{tickets}: {total} goes back by hand, Stripe has none of it")
    print("    who of a cancelled night is owed it, and where to book it as it is handed over:")
    print(f"    boxoffice door owed {slug}, or {box.settings.base_url}/organiser/events/{slug}/door#cash-owed")


def _state(night: Night) -> str:
    if night.finished:
        return "cancelled, and every order is dealt with"
    if night.asked:
        return "cancelled; `--yes` goes on with its orders, and so does the worker"
    return night.status
