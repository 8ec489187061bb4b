"""`boxoffice COMMAND`: reads the command line, and says what went wrong."""

import argparse
import sys
from collections.abc import Sequence
from importlib import import_module

from boxoffice.cli.demo_environment import DemoProblem
from boxoffice.cli.migrate import MigrationFailed
from boxoffice.cli.programs import ProgramEnded
from boxoffice.environment.variables import SettingsProblem
from boxoffice.foundation.db import LOST
from boxoffice.foundation.problems import Problem

COMMANDS = {
    "demo": "everything on this machine, with demo nights (what `make run` does)",
    "serve": "the web server, on DATABASE_URL",
    "worker": "mail, refunds, ended holds and lost webhooks, beside the web server",
    "migrate": "bring the database's schema up to date",
    "doctor": "look at everything and say what to do; ends with 1 on a problem",
    "order": "an order's whole story, from whatever its buyer or Stripe can tell",
    "reconcile": "compare orders, payments and refunds with Stripe; 1 if they differ",
    "jobs": "mails, refunds and other work that is not done yet, or was given up",
    "refund": "give back an order, some of its tickets, or an amount",
    "cancel": "call a night off: end and refund every order",
    "nights": "nights from a file",
    "door": "scanners of a night: pair, list, revoke, cash up; its keys",
    "guests": "guest lists of a night: load, list, link",
    "organiser": "who runs an organisation's nights: add, list, remove",
    "audit": "ask the books whether they are in order",
}
"""Each is a module beside this one, whose `add_arguments` says what it takes and what it runs."""


def main() -> None:
    """Reads the command line, runs one command, ends with 0, or with 1 and a sentence that says what to do."""
    arguments = _parser(sys.argv[1:]).parse_args()
    try:
        arguments.run(arguments)
    except (SettingsProblem, DemoProblem, ProgramEnded, MigrationFailed) as problem:
        sys.exit(str(problem))
    except Problem as problem:
        lines = [f"  {error.field}: {error.detail}" for error in problem.errors]
        if [error.detail for error in problem.errors] == [problem.detail]:
            sys.exit(lines[0].strip())  # said once
        sys.exit("\n".join([problem.detail, *lines]))
    except (OSError, *LOST) as error:
        sys.exit(f"{error}. Is the database up, and does DATABASE_URL name it?")


def _parser(typed: Sequence[str]) -> argparse.ArgumentParser:
    """Knows every command by name, and the arguments of those that were typed: most load all domains."""
    parser = argparse.ArgumentParser(prog="boxoffice", description="The ticket system of the DJ AI Platform.")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    for name, words in COMMANDS.items():
        command = commands.add_parser(name, help=words)
        if name in typed:
            import_module(f"boxoffice.cli.{name}").add_arguments(command)
    return parser
