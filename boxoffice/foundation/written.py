"""How money, times and codes are written for people. One language for now; Babel knows the others."""

from datetime import datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

from babel.dates import format_datetime
from babel.numbers import format_currency, get_currency_precision

from boxoffice.foundation.money import exponent

LANGUAGE = "en_GB"
CODE_GROUP = 4


def write_money(minor: int, currency: str) -> str:
    """An amount with its currency's sign: 1650 of "eur" is "€16.50". Never rounded."""
    amount = Decimal(minor).scaleb(-exponent(currency))
    usual = round(amount, get_currency_precision(currency.upper()))
    return format_currency(amount, currency.upper(), locale=LANGUAGE, currency_digits=usual == amount)


def write_day(moment: datetime, time_zone: str) -> str:
    """The day on the venue's calendar: "Friday 4 December 2026"."""
    return format_datetime(moment, "EEEE d MMMM y", ZoneInfo(time_zone), LANGUAGE)


def write_time(moment: datetime, time_zone: str) -> str:
    """The clock on the venue's wall: "23:00"."""
    return format_datetime(moment, "HH:mm", ZoneInfo(time_zone), LANGUAGE)


def write_zone(moment: datetime, time_zone: str) -> str:
    """Whose clock it is, with its distance from UTC at that moment: "Berlin time, UTC+1"."""
    offset = moment.astimezone(ZoneInfo(time_zone)).utcoffset() or timedelta()
    hours, minutes = divmod(abs(offset) // timedelta(minutes=1), 60)
    distance = f"{'−' if offset < timedelta() else '+'}{hours}{f':{minutes:02}' if minutes else ''}"
    city = time_zone.rpartition("/")[2].replace("_", " ")
    return "UTC" if city == "UTC" else f"{city} time, UTC{distance}"


def write_code(code: str) -> str:
    """A code in groups of four, as people read it aloud: "7K3F 0M8Q 2XWV"; `read_code` skips the spaces."""
    return " ".join(code[start : start + CODE_GROUP] for start in range(0, len(code), CODE_GROUP))
