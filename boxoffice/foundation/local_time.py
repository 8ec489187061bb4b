"""Times as people write them: the clock on the wall of the venue, turned into an instant."""

import re
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
FORMS = (
    'write "2026-12-04 23:00", "in 10 days 23:00", "20 days ago 23:00", "friday in 2 weeks 23:00" or '
    '"eve of clock change 23:00"'
)
FORMS_OF_A_NIGHT = f'{FORMS}; counted from the day of the doors: "23:30", "next day 06:00" or "2 days later 18:00"'
_TIMED = re.compile(r"(?:(.+) )?(\d\d:\d\d)")
_IN_DAYS = re.compile(r"in (\d{1,3}) days?")
_DAYS_AGO = re.compile(r"(\d{1,4}) days? ago")
_WEEKDAY = re.compile(rf"({'|'.join(WEEKDAYS)}) in (\d{{1,2}}) weeks?")
_LATER = re.compile(r"(\d{1,2}) days? later")
EVE_OF_CHANGE = "eve of clock change"
CHANGE_NOT_BEFORE_DAYS, CHANGE_WITHIN_DAYS = 3, 400


def instant(text: str, zone: ZoneInfo, now: datetime, doors_day: date | None = None) -> datetime:
    """The instant of "2026-12-04 23:00", of a day counted from `now`, or of one counted from `doors_day`, in `zone`.

    "friday in 2 weeks" is two weeks after the next Friday (today counts); "eve of clock change" is the day before the
    clocks are next put forward or back, at least three days away. Raises ValueError for anything else, and for a time
    that the clocks jump over, and says so; a time that happens twice is the earlier one.
    """
    written = _TIMED.fullmatch(text)
    day = _day(written[1], zone, now.astimezone(zone).date(), doors_day) if written else None
    try:
        clock = time.fromisoformat(written[2]) if written else None
    except ValueError:
        clock = None
    if day is None or clock is None:
        raise ValueError(f'"{text}" is not a time: {FORMS if doors_day is None else FORMS_OF_A_NIGHT}.')
    wall = datetime.combine(day, clock)
    moment = wall.replace(tzinfo=zone).astimezone(UTC)
    if moment.astimezone(zone).replace(tzinfo=None) != wall:
        raise ValueError(
            f"{wall:%Y-%m-%d %H:%M} does not exist in {zone.key}: the clocks are put forward then. Choose a later time."
        )
    return moment


def _day(words: str | None, zone: ZoneInfo, today: date, doors_day: date | None) -> date | None:
    if words is None:
        return doors_day
    if counted := _IN_DAYS.fullmatch(words):
        return today + timedelta(days=int(counted[1]))
    if counted := _DAYS_AGO.fullmatch(words):
        return today - timedelta(days=int(counted[1]))
    if counted := _WEEKDAY.fullmatch(words):
        ahead = (WEEKDAYS.index(counted[1]) - today.weekday()) % 7
        return today + timedelta(days=ahead, weeks=int(counted[2]))
    if words == EVE_OF_CHANGE:
        return _eve_of_change(zone, today)
    if doors_day is not None and words == "next day":
        return doors_day + timedelta(days=1)
    if doors_day is not None and (counted := _LATER.fullmatch(words)):
        return doors_day + timedelta(days=int(counted[1]))
    try:
        return date.fromisoformat(words) if re.fullmatch(r"\d{4}-\d\d-\d\d", words) else None
    except ValueError:
        return None


def _eve_of_change(zone: ZoneInfo, today: date) -> date:
    for ahead in range(CHANGE_NOT_BEFORE_DAYS, CHANGE_WITHIN_DAYS):
        eve = today + timedelta(days=ahead)
        noons = (datetime.combine(day, time(12), zone) for day in (eve, eve + timedelta(days=1)))
        before, after = (noon.utcoffset() for noon in noons)
        if before != after:
            return eve
    raise ValueError(f"The clocks of {zone.key} are not put forward or back within {CHANGE_WITHIN_DAYS} days.")
