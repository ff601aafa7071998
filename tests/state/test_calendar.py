"""Months are those of UTC, whatever month it is; and no jump of the wall clock changes which one."""

from datetime import UTC, datetime

import pytest

from gateway.state.calendar import Calendar, month_of, month_start, next_month

EDGES = {
    "an ordinary one": ("2027-04-30T23:59:59+00:00", "2027-04", "2027-05"),
    "a leap day": ("2028-02-29T12:00:00+00:00", "2028-02", "2028-03"),
    "no leap day": ("2027-02-28T23:59:59+00:00", "2027-02", "2027-03"),
    "the year's end": ("2026-12-31T23:59:59+00:00", "2026-12", "2027-01"),
    "a zone ahead": ("2027-01-01T00:30:00+02:00", "2026-12", "2027-01"),
    "a zone behind": ("2026-12-31T23:30:00-05:00", "2027-01", "2027-02"),
    "a night of summer time": ("2027-03-28T03:30:00+02:00", "2027-03", "2027-04"),
    "a century without a leap day": ("2100-02-28T23:59:59+00:00", "2100-02", "2100-03"),
}


@pytest.mark.parametrize(("text", "month", "following"), EDGES.values(), ids=EDGES)
def test_z03_a_month_is_one_of_utc(text: str, month: str, following: str) -> None:
    unix = datetime.fromisoformat(text).timestamp()
    assert month_of(unix) == month
    assert month_of(next_month(unix)) == following
    assert month_start(following) == next_month(unix)
    assert datetime.fromtimestamp(month_start(month), UTC).isoformat().endswith("-01T00:00:00+00:00")


def test_z01_z02_the_month_goes_on_by_the_clock_that_cannot_jump() -> None:
    started = datetime(2027, 1, 31, 23, 0, tzinfo=UTC).timestamp()
    calendar = Calendar(now=100.0, unix=started)
    assert calendar.month(100.0) == "2027-01"
    assert calendar.month(100.0 + 3599) == "2027-01"
    assert calendar.month(100.0 + 3600) == "2027-02"
    assert calendar.month(100.0 + 3599) == "2027-01", "of a moment that has passed"
    assert calendar.month(0.0) == "2027-01", "a clock that goes back is held at the start"
    assert calendar.skew_s(100.0 + 60, started + 60 + 40 * 86400) == 40 * 86400


def test_z06_a_month_that_was_slept_through_is_over() -> None:
    calendar = Calendar(now=0.0, unix=datetime(2027, 1, 31, tzinfo=UTC).timestamp())
    assert calendar.month(40 * 86400.0) == "2027-03"
