"""Times as people write them: the clock on the wall of the venue, turned into an instant."""

import re
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

_IN_DAYS = re.compile(r"in (\d{1,3}) days? (\d\d:\d\d)")


def instant(text: str, zone: ZoneInfo, now: datetime) -> datetime:
    """The instant of "2026-12-04 23:00" or "in 10 days 23:00" in `zone`.

    Raises ValueError for anything else, for a time that the clocks jump over, and says so; a time that happens
    twice is the earlier one.
    """
    relative = _IN_DAYS.fullmatch(text)
    if relative:
        day = (now.astimezone(zone) + timedelta(days=int(relative[1]))).date()
        text = f"{day} {relative[2]}"
    try:
        wall = datetime.strptime(text, "%Y-%m-%d %H:%M")  # noqa: DTZ007 - the zone is the next line's business
    except ValueError:
        raise ValueError(f'"{text}" is not a time: write "2026-12-04 23:00" or "in 10 days 23:00".') from None
    moment = wall.replace(tzinfo=zone).astimezone(UTC)
    if moment.astimezone(zone).replace(tzinfo=None) != wall:
        raise ValueError(f"{text} does not exist in {zone.key}: the clocks are put forward then. Choose a later time.")
    return moment
