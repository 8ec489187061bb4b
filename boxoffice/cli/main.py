"""`boxoffice serve | worker | migrate | doctor | order WHAT | refund CODE | cancel EVENT | nights load FILE | ...`"""

import argparse
import asyncio
import os
import sys
from pathlib import Path
from uuid import UUID

from boxoffice.cli import audit, demo, migrate, nights, serve, worker
from boxoffice.cli.demo_environment import RUNNING, DemoProblem, running_demo
from boxoffice.cli.programs import ProgramEnded
from boxoffice.environment.variables import SettingsProblem
from boxoffice.foundation.db import LOST
from boxoffice.foundation.problems import Problem
from boxoffice.settings import Reading, Settings, read_environment

PORT_MAX = 65535


def main() -> None:
    """Reads the command line, runs one command, ends with 0, or with 1 and a sentence that says what to do."""
    arguments = _parser().parse_args()
    try:
        arguments.run(arguments)
    except (SettingsProblem, DemoProblem, ProgramEnded, migrate.MigrationFailed) as problem:
        sys.exit(str(problem))
    except Problem as problem:
        lines = [problem.detail, *(f"  {error.field}: {error.detail}" for error in problem.errors)]
        sys.exit("\n".join(lines))
    except (OSError, *LOST) as error:
        sys.exit(f"{error}. Is the database up, and does DATABASE_URL name it?")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="boxoffice", description="The ticket system of the DJ AI Platform.")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    command = commands.add_parser("demo", help="everything on this machine, with demo nights (what `make run` does)")
    command.add_argument("--port", type=_port, default=3000)
    command.add_argument("--local", type=Path, default=demo.LOCAL, help="where the database and secrets are kept")
    command.add_argument("--https", action="store_true", help="for phones in the local network too, at the port after")
    command.set_defaults(run=lambda arguments: demo.run(arguments.port, arguments.local, https=arguments.https))

    command = commands.add_parser("serve", help="the web server, on DATABASE_URL")
    command.add_argument("--host", default="127.0.0.1")
    command.add_argument("--port", type=_port, default=3000)
    command.add_argument("--workers", type=int, default=1)
    command.set_defaults(run=lambda arguments: serve.run(arguments.host, arguments.port, arguments.workers))

    command = commands.add_parser("worker", help="mail, refunds, ended holds and lost webhooks, beside the web server")
    command.set_defaults(run=lambda _: worker.run())

    command = commands.add_parser("migrate", help="bring the database's schema up to date")
    command.set_defaults(run=lambda _: migrate.run(Settings.from_environment().database_url_direct))

    command = commands.add_parser("doctor", help="look at everything and say what to do; ends with 1 on a problem")
    command.add_argument("--json", action="store_true", help="for machines")
    command.add_argument("--live", action="store_true", help="try a checkout with a live key too: nobody pays")
    command.add_argument("--send-mail-to", metavar="ADDRESS", help="send one mail")
    _of_demo(command)
    command.set_defaults(run=_doctor)

    command = commands.add_parser("order", help="an order's whole story, from whatever its buyer or Stripe can tell")
    what = "order or ticket code, e-mail, a link, the text of a QR code, or an id (cs_, pi_, ch_, re_, evt_, ...)"
    command.add_argument("what", metavar="WHAT", help=what)
    command.add_argument("--resend-mail", action="store_true", help="mail the order's tickets to its buyer again")
    _of_demo(command)
    command.set_defaults(run=_tell_order)

    command = commands.add_parser(
        "reconcile", help="compare orders, payments and refunds with Stripe; 1 if they differ"
    )
    since = "how far back: 7d, 12h, or a date like 2026-11-24 (7d unless said)"
    command.add_argument("--since", type=_since, default="7d", metavar="WHEN", help=since)
    command.add_argument("--fix", action="store_true", help="heal what the rules allow")
    command.add_argument("--json", action="store_true", help="for machines")
    _of_demo(command)
    command.set_defaults(run=_reconcile)

    command = commands.add_parser("jobs", help="mails, refunds and other work that is not done yet, or was given up")
    command.add_argument("--parked", action="store_true", help="only what was given up")
    command.add_argument("--retry", type=_job, metavar="ID", help="have a job tried again now; `all`: every parked one")
    _of_demo(command)
    command.set_defaults(run=_jobs)

    _refund_arguments(commands.add_parser("refund", help="give back an order, some of its tickets, or an amount"))
    _cancel_arguments(commands.add_parser("cancel", help="call a night off: end and refund every order"))

    _nights_arguments(commands.add_parser("nights", help="nights from a file"))
    _door_arguments(commands.add_parser("door", help="scanners of a night: pair, list, revoke, cash up; its keys"))

    _guests_arguments(commands.add_parser("guests", help="guest lists of a night: load, list, link"))
    _organiser_arguments(commands.add_parser("organiser", help="who runs an organisation's nights: add, list, remove"))

    command = commands.add_parser("audit", help="ask the books whether they are in order")
    _of_demo(command)
    command.set_defaults(run=_audit)
    return parser


def _nights_arguments(command: argparse.ArgumentParser) -> None:
    actions = command.add_subparsers(required=True, metavar="ACTION")
    load = actions.add_parser("load", help="create and update the nights of a TOML file")
    load.add_argument("file", type=Path)
    _of_demo(load)
    load.set_defaults(run=_load_nights)


def _refund_arguments(command: argparse.ArgumentParser) -> None:
    command.add_argument("code", metavar="CODE", help="the order's code")
    command.add_argument("--ticket", action="append", default=[], metavar="CODE", help="this ticket; may be repeated")
    command.add_argument("--amount", metavar="12.50", help="so much; without --ticket the tickets stay good")
    command.add_argument("--number", type=int, default=1, help="2 for a second goodwill of the same amount, ...")
    command.add_argument("--reason", default="", metavar="TEXT", help="told to the buyer, and kept")
    command.add_argument("--override-used", action="store_true", help="although somebody came in with it")
    command.add_argument("--again", action="store_true", help="ask Stripe once more for what failed")
    command.add_argument("--dry-run", action="store_true", help="show what it would do")
    _of_demo(command)
    command.set_defaults(run=_refund)


def _cancel_arguments(command: argparse.ArgumentParser) -> None:
    command.add_argument("event", metavar="EVENT", help="the night's address, as in /events/EVENT")
    command.add_argument("--reason", default="", metavar="TEXT", help="told on the night's page and in mails")
    command.add_argument("--dry-run", action="store_true", help="only show orders, tickets and money (the default)")
    command.add_argument("--yes", action="store_true", help="do it; again to go on after an interruption")
    _of_demo(command)
    command.set_defaults(run=_cancel)


def _door_arguments(command: argparse.ArgumentParser) -> None:
    actions = command.add_subparsers(required=True, metavar="ACTION")
    pair = actions.add_parser("pair", help="a link and a PIN for one more scanner")
    pair.add_argument("event", metavar="EVENT", help="the night's address, as in /events/EVENT")
    pair.add_argument("--gate", required=True, metavar="NAME", help="where it stands, as in `Main door`")
    pair.add_argument("--list", default="", metavar="NAME", help="what people enter by; the night's first unless said")
    pair.add_argument("--supervisor", action="store_true", help="may let in what was refused, with a reason")
    pair.add_argument("--sells", action="store_true", help="may sell at the door, for cash and by card")
    shown = actions.add_parser("devices", help="a night's scanners")
    shown.add_argument("event", metavar="EVENT")
    revoke = actions.add_parser("revoke", help="take a scanner out of service, as when it was stolen")
    unlock = actions.add_parser("unlock", help="let a link be tried again after wrong PINs")
    for action in (revoke, unlock):
        action.add_argument("event", metavar="EVENT")
        action.add_argument("device", metavar="DEVICE", type=UUID, help="its id, as `boxoffice door devices` shows it")
    keys = actions.add_parser("keys", help="the public keys that a night's tickets are signed with")
    keys.add_argument("event", metavar="EVENT")
    keys.add_argument("--rotate", action="store_true", help="sign with a new one from now on; older ones stay good")
    keys.add_argument("--retire", type=int, metavar="NUMBER", help="take no more codes that this key signed: it leaked")
    cash_up = actions.add_parser("cash-up", help="what each scanner sold, and what its cash box should hold")
    cash_up.add_argument("event", metavar="EVENT")
    again = actions.add_parser("open-again", help="take a scanner's cash-up back that was wrong; it counts anew")
    again.add_argument("event", metavar="EVENT")
    again.add_argument("device", metavar="DEVICE", type=UUID, help="its id, as `boxoffice door cash-up` shows it")
    again.add_argument("--reason", required=True, metavar="TEXT", help="kept with the count that was wrong")
    owed = actions.add_parser("owed", help="the cash that a cancelled night has still to hand back, by order")
    owed.add_argument("event", metavar="EVENT")
    give_back = actions.add_parser("give-back", help="book that the cash of an order was handed back, all of it")
    give_back.add_argument("order", metavar="CODE", help="the order's code")
    give_back.add_argument("--reason", required=True, metavar="TEXT", help="kept with the sale")
    named = {"pair": pair, "devices": shown, "revoke": revoke, "unlock": unlock, "keys": keys}
    for name, action in (
        named | {"cash-up": cash_up, "open-again": again, "owed": owed, "give-back": give_back}
    ).items():
        _of_demo(action)
        action.set_defaults(run=_door, action=name)


def _guests_arguments(command: argparse.ArgumentParser) -> None:
    actions = command.add_subparsers(required=True, metavar="ACTION")
    load = actions.add_parser("load", help="add the guests of a CSV file: name, plus_ones, email, list")
    shown = actions.add_parser("list", help="who is on the lists")
    link = actions.add_parser("link", help="the link by which a list is filled in")
    for name, action in (("load", load), ("list", shown), ("link", link)):
        action.add_argument("event", metavar="EVENT", help="the night's address, as in /events/EVENT")
        action.set_defaults(run=_guests, action=name)
        _of_demo(action)
    load.add_argument("file", type=Path, metavar="FILE.csv")
    load.add_argument("--list", default="", metavar="LIST", help="the list of every line that names none")
    link.add_argument("list", metavar="LIST", help="its name")
    link.add_argument("--new", action="store_true", help="make a new link: those given out before stop working")


def _organiser_arguments(command: argparse.ArgumentParser) -> None:
    actions = command.add_subparsers(required=True, metavar="ACTION")
    add = actions.add_parser("add", help="make somebody a member, or change their role")
    remove = actions.add_parser("remove", help="take a member out")
    shown = actions.add_parser("list", help="who is a member")
    for action in (add, remove):
        action.add_argument("email", metavar="EMAIL", help="with which they sign in")
        action.add_argument("--organisation", required=True, metavar="SLUG", help="as in the nights file")
    role = "organiser: everything of its nights; door: scanners and the door (organiser unless said)"
    add.add_argument("--role", choices=("organiser", "door"), default="organiser", help=role)
    shown.add_argument("--organisation", default="", metavar="SLUG", help="of this one alone")
    for name, action in (("add", add), ("list", shown), ("remove", remove)):
        _of_demo(action)
        action.set_defaults(run=_organiser, action=name)


def _of_demo(command: argparse.ArgumentParser) -> None:
    command.add_argument("--demo", action="store_true", help="of the demo that runs here (`make run`)")
    command.add_argument("--local", type=Path, default=demo.LOCAL, help=argparse.SUPPRESS)


def _reading(arguments: argparse.Namespace) -> Reading:
    """What a command works on: the environment, or the demo where that was said or nothing else is."""
    if arguments.demo:
        return read_environment(running_demo(arguments.local))
    if not os.environ.get("DATABASE_URL", "").strip() and (arguments.local / RUNNING).exists():
        print("DATABASE_URL is not set, so this is about the demo that runs here.", file=sys.stderr)
        return read_environment(running_demo(arguments.local))
    return read_environment()


def _doctor(arguments: argparse.Namespace) -> None:
    from boxoffice.cli import doctor  # noqa: PLC0415 - loads all domains

    if not arguments.demo and (arguments.local / RUNNING).exists() and not arguments.json:
        print("A demo runs on this machine; this looks at the environment. The demo's: boxoffice doctor --demo")
    reading = _reading(arguments) if arguments.demo else read_environment()
    doctor.run(reading, machine=arguments.json, live=arguments.live, send_mail_to=arguments.send_mail_to)


def _tell_order(arguments: argparse.Namespace) -> None:
    from boxoffice.cli import order  # noqa: PLC0415 - loads all domains

    order.run(_reading(arguments), arguments.what, resend_mail=arguments.resend_mail)


def _reconcile(arguments: argparse.Namespace) -> None:
    from boxoffice.cli import reconcile  # noqa: PLC0415 - loads all domains

    reconcile.run(_reading(arguments), arguments.since, fix=arguments.fix, machine=arguments.json)


def _jobs(arguments: argparse.Namespace) -> None:
    from boxoffice.cli import jobs  # noqa: PLC0415 - as above

    jobs.run(_reading(arguments), parked=arguments.parked, again=arguments.retry)


def _since(text: str) -> str:
    from boxoffice.cli.reconcile import read_since  # noqa: PLC0415 - as above

    try:
        return read_since(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError("as in 7d, 12h or 2026-11-24") from error


def _job(text: str) -> str:
    from boxoffice.cli.jobs import read_id  # noqa: PLC0415 - as above

    try:
        return read_id(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError("the id that `boxoffice jobs` shows, or all") from error


def _refund(arguments: argparse.Namespace) -> None:
    from boxoffice.cli import refund  # noqa: PLC0415 - loads all domains

    asked = refund.Asked(
        code=arguments.code,
        tickets=tuple(arguments.ticket),
        amount=arguments.amount,
        number=arguments.number,
        reason=arguments.reason,
        override_used=arguments.override_used,
        again=arguments.again,
        dry_run=arguments.dry_run,
    )
    refund.run(_reading(arguments), asked)


def _cancel(arguments: argparse.Namespace) -> None:
    from boxoffice.cli import cancel  # noqa: PLC0415 - loads all domains

    what = arguments.event
    cancel.run(_reading(arguments), what, reason=arguments.reason, dry_run=arguments.dry_run, yes=arguments.yes)


def _door(arguments: argparse.Namespace) -> None:
    from boxoffice.cli import door  # noqa: PLC0415 - loads all domains

    reading = _reading(arguments)
    if arguments.action == "pair":
        role = "supervisor" if arguments.supervisor else "staff"
        door.run_pair(
            reading, arguments.event, arguments.gate, role=role, list_name=arguments.list, sells=arguments.sells
        )
    elif arguments.action == "devices":
        door.run_devices(reading, arguments.event)
    elif arguments.action == "keys":
        door.run_keys(reading, arguments.event, rotate=arguments.rotate, retire=arguments.retire)
    elif arguments.action == "cash-up":
        door.run_cash_up(reading, arguments.event)
    elif arguments.action == "open-again":
        door.run_open_again(reading, arguments.event, arguments.device, arguments.reason)
    elif arguments.action == "owed":
        door.run_owed(reading, arguments.event)
    elif arguments.action == "give-back":
        door.run_give_back(reading, arguments.order, arguments.reason)
    else:
        door.run_change(reading, arguments.event, arguments.device, unlocks=arguments.action == "unlock")


def _guests(arguments: argparse.Namespace) -> None:
    from boxoffice.cli import guests  # noqa: PLC0415 - loads all domains

    reading = _reading(arguments)
    if arguments.action == "load":
        guests.run_load(reading, arguments.event, arguments.file, arguments.list)
    elif arguments.action == "list":
        guests.run_list(reading, arguments.event)
    else:
        guests.run_link(reading, arguments.event, arguments.list, new=arguments.new)


def _organiser(arguments: argparse.Namespace) -> None:
    from boxoffice.cli import organiser  # noqa: PLC0415 - loads all domains

    reading = _reading(arguments)
    if arguments.action == "add":
        organiser.run_add(reading, arguments.email, arguments.organisation, arguments.role)
    elif arguments.action == "list":
        organiser.run_list(reading, arguments.organisation)
    else:
        organiser.run_remove(reading, arguments.email, arguments.organisation)


def _port(text: str) -> int:
    number = int(text)
    if not 1 <= number <= PORT_MAX:
        raise argparse.ArgumentTypeError(f"a port is a number from 1 to {PORT_MAX}")
    return number


def _load_nights(arguments: argparse.Namespace) -> None:
    count = asyncio.run(nights.load(_reading(arguments).whole(), arguments.file))
    print(f"{count} night{'' if count == 1 else 's'} loaded from {arguments.file}.")


def _audit(arguments: argparse.Namespace) -> None:
    broken = asyncio.run(audit.run(_reading(arguments).whole()))
    if broken:
        sys.exit(f"{broken} of these must never be wrong. docs/runbook/payments.md says where to look.")
