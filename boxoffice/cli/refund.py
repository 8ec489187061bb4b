"""`boxoffice refund CODE`: gives money back, and says before and after what that does."""

import argparse
import asyncio
from uuid import UUID

import msgspec

from boxoffice.box import BoxOffice
from boxoffice.cli.about import may_be_demo, reading_of
from boxoffice.foundation.money import to_minor
from boxoffice.foundation.problems import Problem, Unprocessable
from boxoffice.foundation.written import write_code, write_money
from boxoffice.orders.decide_refund import Plan, Wish, ask_again, decide_refund, plan_refund
from boxoffice.orders.order import show_order
from boxoffice.orders.refund import REFUND
from boxoffice.orders.send_refund import send_refund
from boxoffice.payments.stripe import StripeProblem
from boxoffice.settings import Reading


class Asked(msgspec.Struct, frozen=True):
    """The command line as it was typed; `amount` in major units of the order's currency."""

    code: str
    tickets: tuple[str, ...]
    amount: str | None
    number: int
    reason: str
    override_used: bool
    again: bool
    dry_run: bool


def add_arguments(command: argparse.ArgumentParser) -> None:
    """`boxoffice refund CODE`."""
    command.add_argument("code", metavar="CODE", help="the order's code")
    command.add_argument("--ticket", action="append", default=[], metavar="CODE", help="this ticket; may be repeated")
    command.add_argument("--amount", metavar="12.50", help="so much; without --ticket the tickets stay good")
    command.add_argument("--number", type=int, default=1, help="2 for a second goodwill of the same amount, ...")
    command.add_argument("--reason", default="", metavar="TEXT", help="told to the buyer, and kept")
    command.add_argument("--override-used", action="store_true", help="although somebody came in with it")
    command.add_argument("--again", action="store_true", help="ask Stripe once more for what failed")
    command.add_argument("--dry-run", action="store_true", help="show what it would do")
    may_be_demo(command)
    command.set_defaults(run=lambda arguments: run(reading_of(arguments), _asked(arguments)))


def _asked(arguments: argparse.Namespace) -> Asked:
    return Asked(
        code=arguments.code,
        tickets=tuple(arguments.ticket),
        amount=arguments.amount,
        number=arguments.number,
        reason=arguments.reason,
        override_used=arguments.override_used,
        again=arguments.again,
        dry_run=arguments.dry_run,
    )


def run(reading: Reading, asked: Asked) -> None:
    """Prints what was done, or would be. Raises SettingsProblem, and the problems of `decide_refund`."""
    print("\n".join(asyncio.run(_refund(BoxOffice.from_settings(reading.whole()), asked))))


async def _refund(box: BoxOffice, asked: Asked) -> list[str]:
    try:
        if asked.again:
            return await _again(box, asked)
        wish = await _wish(box, asked)
        if asked.dry_run:
            async with box.db.transaction() as connection:
                plan = await plan_refund(connection, asked.code, wish)
            return ["This would be done; nothing is changed.", *_said(plan, wish)]
        decided = await box.db.attempt(decide_refund, asked.code, wish)
        lines = _said(decided.plan, wish)
        if decided.refund_id is not None:
            lines.append(await _sent(box, decided.plan.event_id, decided.refund_id))
        return lines
    finally:
        await box.close()


async def _again(box: BoxOffice, asked: Asked) -> list[str]:
    if asked.tickets or asked.amount is not None:
        raise Unprocessable("--again asks for what failed as it was: without --ticket and --amount.")
    async with box.db.transaction() as connection:
        event_id = (await show_order(connection, asked.code)).order.event_id
    if asked.dry_run:
        return [await _would_ask(box, asked.code)]
    refunds = await box.db.attempt(ask_again, asked.code)
    return [await _sent(box, event_id, one) for one in refunds]


async def _would_ask(box: BoxOffice, code: str) -> str:
    async with box.db.transaction() as connection:
        failed = sum(one.status == "failed" for one in (await show_order(connection, code)).refunds)
    return f"{failed} failed refund{'' if failed == 1 else 's'} would be asked of Stripe once more."


async def _wish(box: BoxOffice, asked: Asked) -> Wish:
    async with box.db.transaction() as connection:
        currency = (await show_order(connection, asked.code)).order.currency
    try:
        amount = None if asked.amount is None else to_minor(asked.amount, currency)
    except ValueError as error:
        raise Unprocessable(f"--amount: {error}") from error
    return Wish(asked.tickets, amount, asked.number, asked.reason, asked.override_used)


def _said(plan: Plan, wish: Wish) -> list[str]:
    amount = write_money(plan.amount_minor, plan.currency)
    lines = [f"Order {write_code(plan.order_code)}"]
    if plan.known is not None:
        lines.append(f"  This was decided before: {amount}, {plan.known.status}. Nothing is done twice.")
        if plan.known.status == "failed":
            lines.append(f"  It failed. To ask Stripe once more: boxoffice refund {plan.order_code} --again")
        elif wish.amount_minor is not None and not wish.tickets:
            lines.append(f"  For another {amount}: --number {wish.number + 1}")
        return lines
    if plan.in_review:
        return [*lines, "  It is in review: all that was paid goes back and its units return to sale."]
    if plan.amount_minor:
        lines.append(f"  {amount} goes back, {write_money(plan.left_minor - plan.amount_minor, plan.currency)} stays")
    else:
        lines.append("  no money goes back")
    if plan.void:
        lines.append(f"  void: {', '.join(write_code(code) for _, code in plan.void)}; their units are on sale again")
    else:
        lines.append("  every ticket stays as it is: money alone, for goodwill")
    if plan.used:
        lines.append(
            f"  somebody came in with {', '.join(write_code(code) for code in plan.used)}: overridden, and kept"
        )
    lines += [
        f"  {write_code(code)} was sent on to {name}, who is told; the money goes to the buyer"
        for code, name in plan.sent_on
    ]
    return [*lines, "  the buyer gets a mail that says so"]


async def _sent(box: BoxOffice, event_id: UUID, refund_id: UUID) -> str:
    """Sends it at once, so that whoever asked sees what became of it; the worker does what is left."""
    try:
        await send_refund(box.till, event_id, refund_id)
    except (StripeProblem, Problem) as problem:
        return f"  Stripe was not reached ({problem}); the worker sends it."
    async with box.db.transaction() as connection:
        refund = await REFUND.first(connection, event_id, refund_id)
    assert refund is not None
    at_stripe = f" ({refund.refund_id})" if refund.refund_id else ""
    return f"  refund of {write_money(refund.amount_minor, refund.currency)}: {refund.status}{at_stripe}"
