"""Schedules: read as Azure reads them, what it refuses is refused, and their gaps are exact."""

from calendar import day_name, month_name, monthrange
from dataclasses import astuple
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise, product

import pytest
from croniter import croniter
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from dataflow_poller.ncrontab import Schedule

BOUNDS = [(0, 59), (0, 59), (0, 23), (1, 31), (1, 12), (0, 6)]
NAMES = {4: list(month_name)[1:], 5: [list(day_name)[-1], *list(day_name)[:-1]]}


@st.composite
def field(draw: st.DrawFn, number: int) -> tuple[str, set[int]]:
    """One field in any form of the grammar, and what it means."""
    lowest, highest = BOUNDS[number]

    def value(of: int) -> str:
        name = NAMES[number][of - lowest] if number in NAMES else str(of)
        return draw(st.sampled_from([str(of), f"0{of}", name, name[:3].upper()]))

    def element() -> tuple[str, range]:
        low, high = sorted(draw(st.tuples(*[st.integers(lowest, highest)] * 2)))
        step = draw(st.integers(1, highest + 5))
        return draw(
            st.sampled_from(
                [
                    ("*", range(lowest, highest + 1)),
                    (f"*/{step}", range(lowest, highest + 1, step)),
                    (value(low), range(low, low + 1)),
                    (f"{value(low)}/{step}", range(low, highest + 1, step)),
                    (f"{value(low)}-{value(high)}", range(low, high + 1)),
                    (f"{value(low)}-{value(high)}/{step}", range(low, high + 1, step)),
                ]
            )
        )

    elements = [element() for _ in range(draw(st.integers(1, 3)))]
    return ",".join(text for text, _ in elements), {value for _, values in elements for value in values}


@st.composite
def expression(draw: st.DrawFn) -> tuple[str, Schedule]:
    """Six fields and the schedule that they mean, which fires; each is often a star, so that the others show."""
    fields = [
        draw(st.just(("*", {*range(low, high + 1)})) | field(number)) for number, (low, high) in enumerate(BOUNDS)
    ]
    meant = Schedule(*(tuple(sorted(values)) for _, values in fields))
    assume(any(meant.days[0] <= monthrange(2000, month)[1] for month in meant.months))
    return draw(st.sampled_from([" ", "  "])).join(text for text, _ in fields), meant


moments = st.datetimes(datetime(2020, 1, 1), datetime(2090, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001 - it has UTC


@given(expression(), moments)
def test_any_schedule_fires_when_another_reader_says(drawn: tuple[str, Schedule], moment: datetime) -> None:
    """It means what it was made of, and both of day and day of week must fit, as in Azure."""
    text, schedule = drawn
    assert Schedule.parse(text) == schedule
    # Only numbers for croniter: it has two Sundays, and reads 1-1 as a whole turn.
    numbers = [
        "*" if len(values) == high - low + 1 else ",".join(map(str, values))
        for values, (low, high) in zip(astuple(schedule), BOUNDS, strict=True)
    ]
    other = croniter(" ".join([*numbers[1:], numbers[0]]), moment, day_or=False)
    for _ in range(3):
        moment = schedule.next_after(moment)
        assert moment == other.get_next(datetime)
        assert moment.tzinfo is UTC


CALENDAR = [date.fromordinal(number) for number in range(date(2000, 1, 1).toordinal(), date(2440, 1, 1).toordinal())]


@settings(max_examples=30)
@given(expression())
def test_any_gap_is_exact(drawn: tuple[str, Schedule]) -> None:
    """Beside all days of 440 years and all seconds of a day: after 400 years the calendar repeats."""
    _, schedule = drawn
    days = [
        day.toordinal()
        for day in CALENDAR
        if day.month in schedule.months and day.day in schedule.days and day.isoweekday() % 7 in schedule.weekdays
    ]
    times = [3600 * h + 60 * m + s for h, m, s in product(schedule.hours, schedule.minutes, schedule.seconds)]
    gaps = {later - earlier for earlier, later in pairwise(times)}
    gaps |= {24 * 3600 * (later - earlier) + times[0] - times[-1] for earlier, later in pairwise(days)}
    assert schedule.longest_gap() == timedelta(seconds=max(gaps))
    assert schedule.shortest_gap() == timedelta(seconds=min(gaps))


@pytest.mark.parametrize(("text", "longest", "shortest"), [
    ("* * * * * *", timedelta(seconds=1), timedelta(seconds=1)),
    ("*/15 * * * * *", timedelta(seconds=15), timedelta(seconds=15)),
    ("*/40 * * * * *", timedelta(seconds=40), timedelta(seconds=20)),
    ("0 */5 * * * *", timedelta(minutes=5), timedelta(minutes=5)),
    ("0 0 * * * *", timedelta(hours=1), timedelta(hours=1)),
    ("0 0 8-17 * * MON-FRI", timedelta(days=2, hours=15), timedelta(hours=1)),
    ("30 59 23 31 12 *", timedelta(days=366), timedelta(days=365)),
    ("0 0 9 1 * MON", timedelta(weeks=61), timedelta(weeks=4)),
    ("0 0 0 29 2 *", timedelta(days=8 * 365 + 1), timedelta(days=4 * 365 + 1)),
    ("0 0 0 29 feb mon", timedelta(weeks=2087), timedelta(weeks=626)),
])  # fmt: skip
def test_gaps(text: str, longest: timedelta, shortest: timedelta) -> None:
    """Over all years, leap years and centuries included."""
    assert (Schedule.parse(text).longest_gap(), Schedule.parse(text).shortest_gap()) == (longest, shortest)


@pytest.mark.parametrize(("text", "fires"), [
    ("0 0 9 1 * MON", ["2026-06-01T09:00:00+00:00", "2027-02-01T09:00:00+00:00"]),
    ("0 5/20 * * * *", ["2026-01-01T00:05:00+00:00", "2026-01-01T00:25:00+00:00", "2026-01-01T00:45:00+00:00", "2026-01-01T01:05:00+00:00"]),
    ("0 0 0 */10 * *", ["2026-01-11T00:00:00+00:00", "2026-01-21T00:00:00+00:00", "2026-01-31T00:00:00+00:00", "2026-02-01T00:00:00+00:00"]),
    ("0 0 0 29 2 SAT", ["2048-02-29T00:00:00+00:00"]),
    ("1,0 0 0 1 Janu *", ["2026-01-01T00:00:01+00:00", "2027-01-01T00:00:00+00:00"]),
])  # fmt: skip
def test_when_it_fires(text: str, fires: list[str]) -> None:
    """After midnight of 2026's first day, in UTC; never at the moment itself."""
    moment = datetime(2026, 1, 1, tzinfo=UTC)
    for expected in fires:
        moment = Schedule.parse(text).next_after(moment)
        assert moment.isoformat() == expected


def test_a_moment_of_another_zone_counts_as_what_it_is() -> None:
    """Fractions of a second, too: the schedule is in whole ones."""
    moment = datetime(2026, 1, 1, 1, 59, 59, 999_999, tzinfo=datetime.fromisoformat("2026-01-01T00:00+02:00").tzinfo)
    assert Schedule.parse("* * * * * *").next_after(moment) == datetime(2026, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize(("text", "why"), [
    ("", "six NCRONTAB fields"),
    ("*/5 * * * *", "six NCRONTAB fields"),
    ("0 * * * * * 2026", "six NCRONTAB fields"),
    ("0\t*\t*\t*\t*\t*", "six NCRONTAB fields"),
    ("@hourly", "six NCRONTAB fields"),
    ("00:05:00", "six NCRONTAB fields"),
    ("60 * * * * *", "its second is wrong: expected numbers from 0 to 59"),
    ("0 99 * * * *", "its minute"),
    ("0 0 24 * * *", "its hour"),
    ("0 0 0 0 * *", "its day is"),
    ("0 0 0 32 * *", "its day is"),
    ("0 0 0 L * *", "its day is"),
    ("0 0 0 15W * *", "its day is"),
    ("0 0 0 ? * *", "its day is"),
    ("0 0 0 R * *", "its day is"),
    ("0 0 0 * 0 *", "its month is wrong: expected numbers from 1 to 12, names"),
    ("0 0 0 * 13 *", "its month"),
    ("0 0 0 * JA *", "its month"),
    ("0 0 0 * Janvier *", "its month"),
    ("0 0 0 * * 7", "its day of week"),
    ("0 0 0 * * 5L", "its day of week"),
    ("0 0 0 * * 5#2", "its day of week"),
    ("0 0 0 * * ?", "its day of week"),
    ("0 0 0 * * FRI-MON", "its day of week"),
    ("0 5-1 * * * *", "its minute"),
    ("0 1-60 * * * *", "its minute"),
    ("0 1-2-3 * * * *", "its minute"),
    ("0 -5 * * * *", "its minute"),
    ("0 +5 * * * *", "its minute"),
    ("0 5- * * * *", "its minute"),
    ("0 */0 * * * *", "its minute"),
    ("0 */-5 * * * *", "its minute"),
    ("0 */5/2 * * * *", "its minute"),
    ("0 / * * * *", "its minute"),
    ("0 5, * * * *", "its minute"),
    ("0 ,5 * * * *", "its minute"),
    ("0 ** * * * *", "its minute"),
    ("0 *-5 * * * *", "its minute"),
    ("0 1.5 * * * *", "its minute"),
    ("0 \u0665 * * * *", "its minute"),
    ("0 " + "9" * 5000 + " * * * *", "its minute"),
    ("0 0 0 30 2 *", "never fires"),
    ("0 0 0 31 4,jun,SEP,11 *", "never fires"),
])  # fmt: skip
def test_what_azure_refuses_or_would_never_fire_is_refused(text: str, why: str) -> None:
    """It says which field, without showing it: a key pasted there must not show."""
    with pytest.raises(ValueError, match=why):
        Schedule.parse(text)


@given(st.text(st.sampled_from("0123456789*,-/ ?LWmonJAN"), max_size=40) | st.text())
def test_any_text_is_a_schedule_or_refused(text: str) -> None:
    """Nothing else comes out, and what is taken has a next time."""
    try:
        schedule = Schedule.parse(text)
    except ValueError as error:
        assert str(error)  # noqa: PT017 - it says something
    else:
        assert schedule.next_after(datetime(2026, 1, 1, tzinfo=UTC)) > datetime(2026, 1, 1, tzinfo=UTC)
