"""How money, times and codes are written for people. One language for now; Babel knows the others."""

import re
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

from boxoffice.foundation.money import exponent

LANGUAGE = "en_GB"
CODE_GROUP = 4
CODE_BEFORE_AMOUNT = re.compile("(?<=[A-Z])(?=[0-9])")


def write_money(minor: int, currency: str) -> str:
    """An amount with its currency's sign: 1650 of "eur" is "€16.50". Never rounded."""
    from babel.numbers import format_currency, get_currency_precision  # noqa: PLC0415 - as below

    amount = Decimal(minor).scaleb(-exponent(currency))
    usual = round(amount, get_currency_precision(currency.upper()))
    written = format_currency(amount, currency.upper(), locale=LANGUAGE, currency_digits=usual == amount)
    return CODE_BEFORE_AMOUNT.sub("\u00a0", written)  # as browsers write it


def write_date(moment: datetime, time_zone: str, pattern: str) -> str:
    """Parts of the venue's date or time in Babel's pattern letters, "d MMM"."""
    from babel.dates import format_datetime  # noqa: PLC0415 - slow to load, and programs are answered without it

    return format_datetime(moment, pattern, ZoneInfo(time_zone), LANGUAGE)


def write_day(moment: datetime, time_zone: str) -> str:
    """The day on the venue's calendar: "Friday 4 December 2026"."""
    return write_date(moment, time_zone, "EEEE d MMMM y")


def write_time(moment: datetime, time_zone: str) -> str:
    """The clock on the venue's wall: "23:00"."""
    return write_date(moment, time_zone, "HH:mm")


def write_zone(moment: datetime, time_zone: str) -> str:
    """Whose clock it is, with its distance from UTC at that moment: "Berlin time, UTC+1"."""
    offset = moment.astimezone(ZoneInfo(time_zone)).utcoffset() or timedelta()
    hours, minutes = divmod(abs(offset) // timedelta(minutes=1), 60)
    distance = f"{'−' if offset < timedelta() else '+'}{hours}{f':{minutes:02}' if minutes else ''}"
    city = time_zone.rpartition("/")[2].replace("_", " ")
    return "UTC" if city == "UTC" else f"{city} time, UTC{distance}"


def write_clock_change(start: datetime, end: datetime, time_zone: str) -> str:
    """What the clocks do between two instants, as a sentence; "" when they are left alone."""
    zone = ZoneInfo(time_zone)

    def offset(moment: datetime) -> timedelta:
        return moment.astimezone(zone).utcoffset() or timedelta()

    quarter = timedelta(minutes=15)
    moment = start - timedelta(minutes=start.minute % 15, seconds=start.second, microseconds=start.microsecond)
    while moment < end and offset(moment) == offset(moment + quarter):
        moment += quarter
    if moment >= end:
        return ""
    change = moment + quarter
    turned = offset(change) - offset(moment)
    before = (change.astimezone(UTC) + offset(moment)).strftime("%H:%M")
    direction = "forward" if turned > timedelta() else "back"
    after, zone_after = write_time(change, time_zone), write_zone(change, time_zone)
    return f"At {before} the clocks go {direction} to {after}: {zone_after} from then on."


def write_code(code: str) -> str:
    """A code in groups of four, as people read it aloud: "7K3F 0M8Q 2XWV"; `read_code` skips the spaces."""
    return " ".join(code[start : start + CODE_GROUP] for start in range(0, len(code), CODE_GROUP))
