"""`boxoffice nights load FILE`: nights from a file, created and updated."""

import argparse
import asyncio
from datetime import datetime, timedelta
from pathlib import Path

from boxoffice.box import BoxOffice
from boxoffice.catalogue.load_nights import load_nights
from boxoffice.catalogue.nights_file import read_nights_file
from boxoffice.cli.about import may_be_demo, reading_of
from boxoffice.foundation.clock import now
from boxoffice.foundation.db import Connection
from boxoffice.foundation.problems import Unprocessable
from boxoffice.guests.add import add_guests_of_file
from boxoffice.settings import Settings


def add_arguments(command: argparse.ArgumentParser) -> None:
    """`boxoffice nights load`."""
    actions = command.add_subparsers(required=True, metavar="ACTION")
    action = actions.add_parser("load", help="create and update the nights of a TOML file")
    action.add_argument("file", type=Path)
    may_be_demo(action)
    action.set_defaults(run=_run)


def _run(arguments: argparse.Namespace) -> None:
    count = asyncio.run(load(reading_of(arguments).whole(), arguments.file))
    print(f"{count} night{'' if count == 1 else 's'} loaded from {arguments.file}.")


async def load(settings: Settings, path: Path, *, ago: timedelta = timedelta()) -> int:
    """Loads every night of the file in one transaction and returns their number. `ago`: as if that had happened so long
    before now, while the days of the file count from now.

    Raises Unprocessable for a file that cannot be read or meant, and GuestListFull when its new guests are more than
    their list has places left: nothing is changed then.
    """
    text = await asyncio.to_thread(_text_of, path)
    box = BoxOffice.from_settings(settings)
    try:
        moment = await box.db.attempt(now)
        if ago:
            box.db.moved_clock = moment - ago
        return await box.db.attempt(_load, text, moment)
    finally:
        await box.db.close()


async def _load(connection: Connection, text: str, moment: datetime) -> int:
    file = read_nights_file(text, moment)
    number = await load_nights(connection, file)
    await add_guests_of_file(connection, file)
    return number


def _text_of(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise Unprocessable(f"{path} cannot be read: {error}.") from error
