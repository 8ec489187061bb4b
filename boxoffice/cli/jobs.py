"""`boxoffice jobs`: what is still to be done, what was given up, and trying it again."""

import argparse
from uuid import UUID

from boxoffice.cli.about import may_be_demo, reading_of, with_database_alone
from boxoffice.foundation.db import Connection
from boxoffice.foundation.jobs import Undone, retry, undone
from boxoffice.foundation.problems import NotFound
from boxoffice.settings import Reading

SHOWN_MAX = 100
ALL = "all"


def add_arguments(command: argparse.ArgumentParser) -> None:
    """`boxoffice jobs`."""
    command.add_argument("--parked", action="store_true", help="only what was given up")
    command.add_argument("--retry", type=_job, metavar="ID", help="have a job tried again now; `all`: every parked one")
    may_be_demo(command)
    command.set_defaults(
        run=lambda arguments: run(reading_of(arguments), parked=arguments.parked, again=arguments.retry)
    )


def run(reading: Reading, *, parked: bool, again: str | None) -> None:
    """Prints them, or has one tried again. Needs the database alone. Raises SettingsProblem, NotFound."""

    async def told(connection: Connection) -> str:
        if again is not None:
            return await _again(connection, again)
        return _list(await undone(connection, SHOWN_MAX + 1, parked=parked), parked=parked)

    print(with_database_alone(reading, told))


def _job(text: str) -> str:
    """The id of a job, or `all`."""
    try:
        return text if text == ALL else str(UUID(text))
    except ValueError as error:
        raise argparse.ArgumentTypeError("the id that `boxoffice jobs` shows, or all") from error


async def _again(connection: Connection, job: str) -> str:
    number = await retry(connection, None if job == ALL else UUID(job))
    if not number and job != ALL:
        raise NotFound("There is no such job to do. `boxoffice jobs` shows those that there are.")
    return f"{number} tried again now, by the worker or cron." if number else "No job is parked."


def _list(jobs: list[Undone], *, parked: bool) -> str:
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
