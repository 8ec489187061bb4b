"""`boxoffice nights load FILE`"""

import asyncio
from pathlib import Path

from boxoffice.box import BoxOffice
from boxoffice.catalogue.load_nights import load_nights
from boxoffice.catalogue.nights_file import read_nights_file
from boxoffice.foundation.clock import now
from boxoffice.foundation.db import Connection
from boxoffice.foundation.problems import Unprocessable
from boxoffice.guests.add import add_guests_of_file
from boxoffice.settings import Settings


async def load(settings: Settings, path: Path) -> int:
    """Loads every night of the file in one transaction and returns their number.

    Raises Unprocessable for a file that cannot be read or meant, and GuestListFull when its new guests are more than
    their list has places left: nothing is changed then.
    """
    text = await asyncio.to_thread(_text_of, path)
    box = BoxOffice.from_settings(settings)
    try:
        return await box.db.attempt(_load, text)
    finally:
        await box.db.close()


async def _load(connection: Connection, text: str) -> int:
    file = read_nights_file(text, await now(connection))
    number = await load_nights(connection, file)
    await add_guests_of_file(connection, file)
    return number


def _text_of(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise Unprocessable(f"{path} cannot be read: {error}.") from error
