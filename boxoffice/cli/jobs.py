"""`boxoffice jobs`: what is still to be done, what was given up, and trying it again."""

import asyncio
from uuid import UUID

from boxoffice.environment.variables import SettingsProblem
from boxoffice.foundation.db import DATABASE_PROBLEM, Database
from boxoffice.foundation.jobs import Undone, retry, undone
from boxoffice.foundation.problems import NotFound
from boxoffice.settings import Reading

SHOWN_MAX = 100
ALL = "all"


def run(reading: Reading, *, parked: bool, again: str | None) -> None:
    """Prints them, or has one tried again. Needs the database alone. Raises SettingsProblem, NotFound."""
    settings = reading.settings
    if not settings.database_url:
        raise SettingsProblem(next(line for line in reading.problems if line.startswith("DATABASE_URL ")))
    db = Database(settings.database_url, size=1, pooled=settings.database_pooled)
    try:
        print(asyncio.run(_told(db, parked=parked, again=again)))
    except DATABASE_PROBLEM as error:
        kind = type(error.__cause__ or error).__name__
        raise SettingsProblem(
            f"DATABASE_URL leads to no answer ({kind}). `boxoffice doctor` says what to do."
        ) from error


def read_id(text: str) -> str:
    """The id of a job, or `all`; raises ValueError."""
    return text if text == ALL else str(UUID(text))


async def _told(db: Database, *, parked: bool, again: str | None) -> str:
    try:
        async with db.transaction() as connection:
            if again is not None:
                number = await retry(connection, None if again == ALL else UUID(again))
                if not number and again != ALL:
                    raise NotFound("There is no such job to do. `boxoffice jobs` shows those that there are.")
                return f"{number} tried again now, by the worker or cron." if number else "No job is parked."
            jobs = await undone(connection, SHOWN_MAX + 1, parked=parked)
    finally:
        await db.close()
    if not jobs:
        return "No job is parked." if parked else "Every job is done."
    lines = [_line(one) for one in jobs[:SHOWN_MAX]]
    if len(jobs) > SHOWN_MAX:
        lines.append(f"... and more than these {SHOWN_MAX}")
    lines.append("Try one again: boxoffice jobs --retry ID (or all, for every parked one)")
    return "\n".join(lines)


def _line(job: Undone) -> str:
    state = f"parked {job.parked_at:%Y-%m-%d %H:%M}" if job.parked_at else f"due {job.run_at:%Y-%m-%d %H:%M:%S}"
    problem = f": {job.problem}" if job.problem else ""
    return f"{job.id}  {job.name:<14} {state} UTC, tried {job.tries} times{problem}"
