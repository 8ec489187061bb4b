from datetime import UTC, datetime

import pytest

from boxoffice.foundation.ids import random_code, read_code, with_check
from boxoffice.foundation.written import write_code, write_day, write_money, write_time, write_zone

DOORS = datetime(2026, 12, 31, 23, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("minor", "currency", "written"),
    [
        (1650, "eur", "€16.50"),
        (0, "eur", "€0.00"),
        (123456789, "usd", "US$1,234,567.89"),
        (1650, "jpy", "JP¥1,650"),
        (165000, "isk", "ISK\u00a01,650"),
        (1250, "kwd", "KWD\u00a01.250"),
        (1250, "all", "ALL\u00a012.50"),
        (1200, "all", "ALL\u00a012"),
    ],
)
def test_money_is_written_whole(minor: int, currency: str, written: str) -> None:
    assert write_money(minor, currency) == written


@pytest.mark.parametrize(
    ("zone", "day", "time", "whose"),
    [
        ("Europe/Berlin", "Friday 1 January 2027", "00:30", "Berlin time, UTC+1"),
        ("America/Argentina/Buenos_Aires", "Thursday 31 December 2026", "20:30", "Buenos Aires time, UTC−3"),
        ("Asia/Kolkata", "Friday 1 January 2027", "05:00", "Kolkata time, UTC+5:30"),
        ("America/St_Johns", "Thursday 31 December 2026", "20:00", "St Johns time, UTC−3:30"),
        ("Etc/UTC", "Thursday 31 December 2026", "23:30", "UTC"),
    ],
)
def test_times_are_the_venues(zone: str, day: str, time: str, whose: str) -> None:
    assert (write_day(DOORS, zone), write_time(DOORS, zone), write_zone(DOORS, zone)) == (day, time, whose)


def test_summer_time_is_told() -> None:
    assert write_zone(datetime(2026, 7, 1, tzinfo=UTC), "Europe/Berlin") == "Berlin time, UTC+2"


def test_a_code_is_read_as_it_was_written() -> None:
    assert write_code("7K3F0M8Q2XWV*") == "7K3F 0M8Q 2XWV *"
    code = with_check(random_code(12))
    assert read_code(write_code(code)) == code
