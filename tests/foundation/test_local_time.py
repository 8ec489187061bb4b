from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import pytest

from boxoffice.foundation.local_time import instant

NOW = datetime(2026, 11, 1, 12, 0, tzinfo=UTC)
BERLIN = ZoneInfo("Europe/Berlin")


def test_a_wall_clock_time_is_the_venues() -> None:
    assert instant("2026-12-04 23:00", BERLIN, NOW) == datetime(2026, 12, 4, 22, 0, tzinfo=UTC)
    assert instant("2026-12-04 23:00", ZoneInfo("America/New_York"), NOW) == datetime(2026, 12, 5, 4, 0, tzinfo=UTC)


def test_days_count_from_today_at_the_venue() -> None:
    late = datetime(2026, 11, 1, 23, 30, tzinfo=UTC)  # already the 2nd in Berlin
    assert instant("in 1 day 22:00", BERLIN, late) == datetime(2026, 11, 3, 21, 0, tzinfo=UTC)


def test_a_time_that_the_clocks_jump_over_is_refused_with_advice() -> None:
    with pytest.raises(ValueError, match=r"does not exist in Europe/Berlin.*later"):
        instant("2027-03-28 02:30", BERLIN, NOW)


def test_a_time_that_happens_twice_is_the_earlier_one() -> None:
    assert instant("2026-10-25 02:30", BERLIN, NOW) == datetime(2026, 10, 25, 0, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    "text", ["", "tomorrow", "2026-13-01 23:00", "2026-12-04T23:00", "in -1 days 23:00", "24:30", "someday 23:00"]
)
def test_what_is_no_time_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is not a time"):
        instant(text, BERLIN, NOW)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("3 days ago 22:00", "2026-10-29 22:00"),
        ("sunday in 0 weeks 20:00", "2026-11-01 20:00"),  # today is one
        ("friday in 2 weeks 23:00", "2026-11-20 23:00"),
        ("eve of clock change 22:00", "2027-03-27 22:00"),
    ],
)
def test_days_are_counted_as_people_count_them(text: str, expected: str) -> None:
    assert instant(text, BERLIN, NOW).astimezone(BERLIN).strftime("%Y-%m-%d %H:%M") == expected


def test_times_of_a_night_are_counted_from_its_doors() -> None:
    doors = date(2026, 12, 31)
    for text, expected in (
        ("23:30", "2026-12-31 23:30"),
        ("next day 06:00", "2027-01-01 06:00"),
        ("2 days later 18:00", "2027-01-02 18:00"),
    ):
        assert instant(text, BERLIN, NOW, doors).astimezone(BERLIN).strftime("%Y-%m-%d %H:%M") == expected
        with pytest.raises(ValueError, match="is not a time"):
            instant(text, BERLIN, NOW)


def test_where_clocks_are_left_alone_no_night_waits_for_their_change() -> None:
    with pytest.raises(ValueError, match="Asia/Tokyo are not put forward or back"):
        instant("eve of clock change 22:00", ZoneInfo("Asia/Tokyo"), NOW)
