from datetime import UTC, datetime
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


@pytest.mark.parametrize("text", ["", "tomorrow", "2026-13-01 23:00", "2026-12-04T23:00", "in -1 days 23:00"])
def test_what_is_no_time_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is not a time"):
        instant(text, BERLIN, NOW)
