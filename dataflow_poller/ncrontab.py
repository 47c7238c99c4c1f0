"""Schedules as Azure Functions reads them: NCRONTAB with six fields, in UTC. Pure.

The grammar is that of the library which the Functions host uses (github.com/atifaziz/NCrontab): second, minute,
hour, day, month and day of week (0 is Sunday), with blanks between them. A field is a list, separated by `,`, of
`*`, `a`, `a-b`, and one of those with `/step`, where `a/step` goes on to the field's end. A month or a day may have
its English name, or the first letters of it. Where day and day of week are both given, both must fit.

Refused here, though that library takes it, is what it takes otherwise than it was meant: a range that runs back
(`FRI-MON` would be Monday to Friday), a name of one or two letters (`J` would be January), and a step of 0.
"""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise

_MONTHS = (
    *("january", "february", "march", "april", "may", "june"),
    *("july", "august", "september", "october", "november", "december"),
)
_WEEKDAYS = ("sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday")

_CYCLE = 400
"""After so many years the calendar repeats, days of week included."""

_LONGEST_DAY_GAP = 40
"""Years: 29 February on one day of week, around a century that is no leap year."""


@dataclass(frozen=True)
class _Field:
    name: str
    lowest: int
    highest: int
    names: tuple[str, ...] = ()

    def values(self, text: str) -> tuple[int, ...]:
        found = {value for part in text.split(",") for value in self._range(part)}
        return tuple(sorted(found))

    def _range(self, text: str) -> range:
        span, slash, step = text.partition("/")
        first, dash, last = span.partition("-")
        if span == "*":
            low, high = self.lowest, self.highest
        else:
            low = self._value(first)
            high = self._value(last) if dash else self.highest if slash else low
        every = self._number(step) if slash else 1
        if low > high or every == 0:
            raise self._wrong()
        return range(low, high + 1, every)

    def _value(self, text: str) -> int:
        named = [number for number, name in enumerate(self.names, self.lowest) if name.startswith(text.lower())]
        value = named[0] if named and len(text) >= 3 else self._number(text)
        if not self.lowest <= value <= self.highest:
            raise self._wrong()
        return value

    def _number(self, text: str) -> int:
        if not re.fullmatch("[0-9]{1,4}", text):
            raise self._wrong()
        return int(text)

    def _wrong(self) -> ValueError:
        names = ", names" if self.names else ""
        return ValueError(
            f"its {self.name} is wrong: expected numbers from {self.lowest} to {self.highest}{names}, * or "
            "ranges upwards, with commas between them and steps behind them, such as */15"
        )


_FIELDS = (
    _Field("second", 0, 59),
    _Field("minute", 0, 59),
    _Field("hour", 0, 23),
    _Field("day", 1, 31),
    _Field("month", 1, 12, _MONTHS),
    _Field("day of week", 0, 6, _WEEKDAYS),
)


@dataclass(frozen=True)
class Schedule:
    """The moments that fit all fields; each field has its values in order. Weekday 0 is Sunday."""

    seconds: tuple[int, ...]
    minutes: tuple[int, ...]
    hours: tuple[int, ...]
    days: tuple[int, ...]
    months: tuple[int, ...]
    weekdays: tuple[int, ...]

    @classmethod
    def parse(cls, text: str) -> "Schedule":
        """Read an expression.

        Raises:
            ValueError: it is none, or no moment ever fits it; says which field is wrong and what was expected.
        """
        fields = [field for field in text.split(" ") if field]
        if len(fields) != len(_FIELDS):
            raise ValueError(
                "expected six NCRONTAB fields (second, minute, hour, day, month, day of week), such as 0 */5 * * * *"
            )
        schedule = cls(*(field.values(given) for field, given in zip(_FIELDS, fields, strict=True)))
        if not any(schedule.days[0] <= _LONGEST[month] for month in schedule.months):
            raise ValueError("it never fires: none of its months has one of its days")
        return schedule

    def next_after(self, moment: datetime) -> datetime:
        """The first moment, to the second and in UTC, that fits and is later than ``moment``, which has a zone."""
        start = moment.astimezone(UTC).replace(microsecond=0) + timedelta(seconds=1)
        day, found = start.date(), self._time_from(start.time()) if self._has(start.date()) else None
        while found is None:
            day += timedelta(days=1)
            found = self._time_from(time.min) if self._has(day) else None
        return datetime.combine(day, found, UTC)

    def longest_gap(self) -> timedelta:
        """The longest time between two moments, one after the other, over all years."""
        return timedelta(seconds=max(self._gaps(max)))

    def shortest_gap(self) -> timedelta:
        """The shortest time between two moments, one after the other, over all years."""
        return timedelta(seconds=min(self._gaps(min)))

    def _has(self, day: date) -> bool:
        return day.month in self.months and day.day in self.days and day.isoweekday() % 7 in self.weekdays

    def _time_from(self, start: time) -> time | None:
        """The first time of a day that fits and is not before ``start``."""
        now = (start.hour, start.minute, start.second)
        return next(
            (
                time(hour, minute, second)
                for hour in self.hours
                if hour >= start.hour
                for minute in self.minutes
                if (hour, minute) >= now[:2]
                for second in self.seconds
                if (hour, minute, second) >= now
            ),
            None,
        )

    def _gaps(self, extreme: Callable[[Iterable[int]], int]) -> list[int]:
        """Seconds: of each unit's gaps, the longest or the shortest. What fits within a unit is the same in each."""
        found, span = [], 0
        for values, unit in ((self.seconds, 1), (self.minutes, 60), (self.hours, 3600)):
            if len(values) > 1:
                found.append(extreme(later - earlier for earlier, later in pairwise(values)) * unit - span)
            span += (values[-1] - values[0]) * unit
        return [*found, extreme(self._day_gaps()) * 24 * 3600 - span]

    def _day_gaps(self) -> set[int]:
        """All numbers of days from a day that fits to the next one that does."""
        gaps: set[int] = set()
        days_of_years: dict[tuple[int, int], list[int]] = {}
        last = None
        for year in range(2000, 2000 + _CYCLE + _LONGEST_DAY_GAP + 1):
            first_day = date(year, 1, 1).toordinal()
            length = date(year, 12, 31).toordinal() - first_day
            kind = (length, first_day % 7)
            if kind not in days_of_years:
                days = (date.fromordinal(first_day + number) for number in range(length + 1))
                fits = [number for number, day in enumerate(days) if self._has(day)]
                days_of_years[kind] = fits
                gaps |= {later - earlier for earlier, later in pairwise(fits)}
            if fits := days_of_years[kind]:
                if last is not None:
                    gaps.add(first_day + fits[0] - last)
                last = first_day + fits[-1]
        return gaps


_LONGEST = {month: 29 if month == 2 else 30 if month in (4, 6, 9, 11) else 31 for month in range(1, 13)}
"""Days that a month has at most."""
