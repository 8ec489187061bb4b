"""`boxoffice audit`: asks the books whether they are in order."""

from boxoffice.box import BoxOffice
from boxoffice.reports.audit import INVARIANTS, audit
from boxoffice.settings import Settings

SHOWN_MAX = 20


async def run(settings: Settings) -> int:
    """Prints every invariant and what breaks it; returns how many are broken."""
    box = BoxOffice.from_settings(settings)
    try:
        async with box.db.transaction(snapshot=True) as connection:
            findings = await audit(connection)
    finally:
        await box.close()
    broken = {invariant: found for invariant, found in findings.items() if found}
    for invariant in INVARIANTS:
        found = findings[invariant]
        print(f"{'WRONG' if found else 'ok':6}{invariant.name:28}{invariant.meaning}")
        for one in found[:SHOWN_MAX]:
            print(f"        {one.subject}: {one.problem}")
        if len(found) > SHOWN_MAX:
            print(f"        and {len(found) - SHOWN_MAX} more")
    return len(broken)
