"""`boxoffice audit`: asks the books whether they are in order."""

import argparse
import asyncio
import sys

from boxoffice.cli.about import may_be_demo, reading_of
from boxoffice.foundation.db import Database
from boxoffice.reports.audit import INVARIANTS, audit
from boxoffice.settings import Settings

SHOWN_MAX = 20
STATEMENT_SECONDS = 60
"""The books of years may take longer than anybody waits for a page."""


def add_arguments(command: argparse.ArgumentParser) -> None:
    """`boxoffice audit`."""
    may_be_demo(command)
    command.set_defaults(run=_run)


def _run(arguments: argparse.Namespace) -> None:
    broken = asyncio.run(run(reading_of(arguments).whole()))
    if broken:
        sys.exit(f"{broken} of these must never be wrong. docs/runbook/payments.md says where to look.")


async def run(settings: Settings) -> int:
    """Prints every invariant and what breaks it; returns how many are broken."""
    pooled = settings.database_pooled
    db = Database(settings.database_url, size=1, pooled=pooled, statement_seconds=STATEMENT_SECONDS)
    try:
        async with db.transaction(snapshot=True) as connection:
            findings = await audit(connection)
    finally:
        await db.close()
    broken = {invariant: found for invariant, found in findings.items() if found}
    for invariant in INVARIANTS:
        found = findings[invariant]
        print(f"{'WRONG' if found else 'ok':6}{invariant.name:28}{invariant.meaning}")
        for one in found[:SHOWN_MAX]:
            print(f"        {one.subject}: {one.problem}")
        if len(found) > SHOWN_MAX:
            print(f"        and {len(found) - SHOWN_MAX} more")
    return len(broken)
