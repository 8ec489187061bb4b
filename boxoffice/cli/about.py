"""What a command is about: the box office of the environment, or the demo that runs here."""

import argparse
import asyncio
import os
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TypeVar

from boxoffice.box import BoxOffice
from boxoffice.cli.demo_environment import LOCAL, RUNNING, running_demo
from boxoffice.environment.variables import SettingsProblem
from boxoffice.foundation.db import DATABASE_PROBLEM, Connection, Database
from boxoffice.settings import Reading, read_environment

Done = TypeVar("Done")


def may_be_demo(command: argparse.ArgumentParser) -> None:
    """Lets `reading_of` take what the command is about from its arguments."""
    command.add_argument("--demo", action="store_true", help="of the demo that runs here (`make run`)")
    command.add_argument("--local", type=Path, default=LOCAL, help=argparse.SUPPRESS)


def reading_of(arguments: argparse.Namespace) -> Reading:
    """The environment, or the demo's where that was said or nothing else is. Raises DemoProblem."""
    if arguments.demo:
        return read_environment(running_demo(arguments.local))
    if not os.environ.get("DATABASE_URL", "").strip() and demo_runs(arguments):
        print("DATABASE_URL is not set, so this is about the demo that runs here.", file=sys.stderr)
        return read_environment(running_demo(arguments.local))
    return read_environment()


def demo_runs(arguments: argparse.Namespace) -> bool:
    """Whether a demo runs on this machine."""
    return (arguments.local / RUNNING).exists()


def in_transaction(reading: Reading, verb: Callable[[BoxOffice, Connection], Awaitable[Done]]) -> Done:
    """Does `verb` in a box office of the environment, in one transaction, and again when that clashed with another.
    Raises SettingsProblem."""
    settings = reading.whole()

    async def run() -> Done:
        box = BoxOffice.from_settings(settings)
        try:
            return await box.db.attempt(lambda connection: verb(box, connection))
        finally:
            await box.close()

    return asyncio.run(run())


def with_database_alone(reading: Reading, verb: Callable[[Connection], Awaitable[Done]]) -> Done:
    """Does `verb` in one transaction, whatever is wrong with settings other than the database's. Raises SettingsProblem
    when that is not set or does not answer."""
    settings = reading.settings
    if not settings.database_url:
        raise SettingsProblem(next(line for line in reading.problems if line.startswith("DATABASE_URL ")))
    db = Database(settings.database_url, size=1, pooled=settings.database_pooled)

    async def run() -> Done:
        try:
            async with db.transaction() as connection:
                return await verb(connection)
        finally:
            await db.close()

    try:
        return asyncio.run(run())
    except DATABASE_PROBLEM as error:
        kind = type(error.__cause__ or error).__name__
        raise SettingsProblem(
            f"DATABASE_URL leads to no answer ({kind}). `boxoffice doctor` says what to do."
        ) from error
