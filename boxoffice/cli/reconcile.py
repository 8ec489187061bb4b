"""`boxoffice reconcile`: compares what is written here with what Stripe says; ends with 1 when a difference is left."""

import argparse
import asyncio
import re
import sys
from datetime import UTC, datetime, timedelta

import msgspec

from boxoffice.box import BoxOffice
from boxoffice.cli.about import may_be_demo, reading_of
from boxoffice.environment.variables import SettingsProblem
from boxoffice.foundation.clock import now
from boxoffice.foundation.written import write_code
from boxoffice.orders.comparison import Compared, Difference
from boxoffice.orders.reconcile import reconcile
from boxoffice.payments.stripe import StripeProblem
from boxoffice.settings import Reading

SPAN = re.compile(r"([1-9][0-9]{0,3})([dh])", re.ASCII)
UNITS = {"d": timedelta(days=1), "h": timedelta(hours=1)}
WIDTH = 16


def add_arguments(command: argparse.ArgumentParser) -> None:
    """`boxoffice reconcile`."""
    since = "how far back: 7d, 12h, or a date like 2026-11-24 (7d unless said)"
    command.add_argument("--since", type=_written_since, default="7d", metavar="WHEN", help=since)
    command.add_argument("--fix", action="store_true", help="heal what the rules allow")
    command.add_argument("--json", action="store_true", help="for machines")
    may_be_demo(command)
    command.set_defaults(
        run=lambda arguments: run(reading_of(arguments), arguments.since, fix=arguments.fix, machine=arguments.json)
    )


def run(reading: Reading, since: str, *, fix: bool, machine: bool) -> None:
    """For people, or as one JSON object with `machine`. Raises SettingsProblem when something is missing or away."""
    settings = reading.whole()
    if settings.stripe is None:
        raise SettingsProblem("STRIPE_SECRET_KEY is not set, so there is nothing to compare with.")
    box = BoxOffice.from_settings(settings)
    found: list[Difference] = []
    compared = asyncio.run(_compared(box, since, found, fix=fix, machine=machine))
    if machine:
        report = {"ok": compared.left == 0, "compared": compared, "differences": found}
        print(msgspec.json.format(msgspec.json.encode(report), indent=2).decode())
    else:
        print(_summary(compared, fix=fix))
    sys.exit(1 if compared.left else 0)


async def _compared(box: BoxOffice, since: str, found: list[Difference], *, fix: bool, machine: bool) -> Compared:
    def tell(one: Difference) -> None:
        if machine:
            found.append(one)
        else:
            print(_line(one), flush=True)

    def show_progress(compared: Compared) -> None:
        if sys.stderr.isatty():
            seen = (
                f"{compared.payments} payments, {compared.sessions} sessions, {compared.refunds} refunds, "
                f"{compared.disputes} disputes"
            )
            print(f"\r  up to {compared.until:%Y-%m-%d %H:%M} UTC: {seen} ", end="", file=sys.stderr, flush=True)

    try:
        async with box.db.transaction() as connection:
            moment = await now(connection)
        return await reconcile(box.till, _since(since, moment), moment, tell, fix=fix, show_progress=show_progress)
    except StripeProblem as problem:
        raise SettingsProblem(
            f"Stripe does not answer ({problem}). Run this again; nothing is done twice."
        ) from problem
    finally:
        await box.close()


def _written_since(text: str) -> str:
    """`7d`, `12h` or `2026-11-24` as it was typed."""
    if not SPAN.fullmatch(text):
        try:
            datetime.strptime(text, "%Y-%m-%d")  # noqa: DTZ007 - only looked at
        except ValueError as error:
            raise argparse.ArgumentTypeError("as in 7d, 12h or 2026-11-24") from error
    return text


def _since(text: str, moment: datetime) -> datetime:
    span = SPAN.fullmatch(text)
    if span:
        return moment - int(span[1]) * UNITS[span[2]]
    return min(datetime.strptime(text, "%Y-%m-%d").replace(tzinfo=UTC), moment)


def _line(one: Difference) -> str:
    mark = f"healed ({one.healed})" if one.healed else "left"
    order = f"order {write_code(one.order)}: " if one.order else ""
    return f"{mark:<{WIDTH}} {order}{one.words} ({one.about})"


def _summary(compared: Compared, *, fix: bool) -> str:
    seen = (
        f"{compared.payments} payments, {compared.sessions} sessions, {compared.refunds} refunds and "
        f"{compared.disputes} disputes at Stripe compared"
    )
    lines = [f"{seen}; {compared.foreign} of other software left alone, {compared.under_way} under way."]
    if compared.healed:
        lines.append(f"{compared.healed} differences healed.")
    if compared.left:
        lines.append(f"{compared.left} differences left.")
        lines.append(
            "These need a person: `boxoffice order CODE`, and docs/runbook/payments.md."
            if fix
            else "`boxoffice reconcile --fix` heals what the rules allow."
        )
    else:
        lines.append("Nothing is left.")
    return "\n".join(lines)
