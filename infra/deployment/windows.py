"""How far back each alert looks, from the schedule and the delays. Pure.

Azure's rules: https://learn.microsoft.com/azure/azure-monitor/alerts/alerts-create-log-alert-rule
"""

from dataclasses import dataclass
from datetime import timedelta

SIZES = tuple(timedelta(minutes=m) for m in (5, 10, 15, 30, 45, 60, 120, 180, 240, 300, 360, 1440, 2880))
"""The windows that Azure offers."""

LONGEST = SIZES[-1]
"""No alert looks back further, all its windows together."""

INGESTION = timedelta(minutes=5)
"""A log line can be found after this long: 20 seconds to 3 minutes on average, says Azure."""

THROTTLED = timedelta(hours=1)
"""A throttled job is polled again after this long at most: the app caps Retry-After there."""


@dataclass(frozen=True)
class Window:
    """An alert's condition must hold in each of ``times`` windows of this size, one after the other."""

    size: timedelta
    times: int

    @property
    def reach(self) -> timedelta:
        """How far back the alert looks in all."""
        return self.size * self.times


@dataclass(frozen=True)
class AlertWindows:
    """The windows of all alerts.

    Attributes:
        every: how often the alerts are evaluated.
        run: of what each run shows, or that there is none.
        failure: of runs that fail, perhaps for one message only, whenever that is polled.
        endpoint: of the runs that asked the endpoint.
        job: of what is known of a job only when it is polled.
        key: likewise; the first line alerts.
        message: of what is said once.
    """

    every: timedelta
    run: Window
    failure: Window
    endpoint: Window
    job: Window
    key: Window
    message: Window

    @classmethod
    def of(cls, gap: timedelta, longest_run: timedelta, delay: timedelta, every: timedelta) -> "AlertWindows":
        """Windows for runs with at most ``gap`` between their starts, and jobs polled again after ``delay`` at most.

        Raises:
            ValueError: the runs are too rare for what Azure looks at; says how many hours may lie between them.
        """
        between_lines = gap + longest_run
        if 3 * between_lines + INGESTION > LONGEST:
            most = ((LONGEST - INGESTION) / 3 - longest_run) // timedelta(hours=1)
            hours = gap / timedelta(hours=1)
            raise ValueError(
                f"up to {hours:.4g} hours lie between two runs; alerts look back two days at most, and need three runs "
                f"there: expected no more than {most} hours"
            )
        until_polled = delay + between_lines
        return cls(
            every=every,
            run=_lasting(max(between_lines + INGESTION, every)),
            failure=_lasting(max(until_polled + INGESTION, every)),
            endpoint=_three_in_a_row(until_polled, every),
            job=_lasting(max(max(delay, THROTTLED) + between_lines + INGESTION, every)),
            # Twice as long as the time between two looks, for a line may be found only after the first of them.
            key=Window(_size(max(until_polled + INGESTION, 2 * every)), 1),
            message=Window(_size(2 * every), 1),
        )


def iso(span: timedelta) -> str:
    """A span as Azure writes one of its sizes: PT15M, PT2H, P1D."""
    minutes = span // timedelta(minutes=1)
    days, hours = minutes // 1440, minutes // 60
    return f"PT{minutes}M" if minutes % 60 else f"PT{hours}H" if minutes % 1440 else f"P{days}D"


def words(span: timedelta) -> str:
    """A span for a person: 30 minutes, 2 hours."""
    minutes = span // timedelta(minutes=1)
    return f"{minutes} minutes" if minutes < 120 else f"{minutes / 60:g} hours"


def _size(span: timedelta) -> timedelta:
    return next((size for size in SIZES if size >= span), LONGEST)


def _lasting(span: timedelta) -> Window:
    """Two windows in a row, each longer than the time between two signs; one, where two would look back too far."""
    size = _size(span)
    return Window(size, 2) if 2 * size <= LONGEST else Window(LONGEST, 1)


def _three_in_a_row(between: timedelta, every: timedelta) -> Window:
    """As what lasts, but already the earlier window must have two signs before it that Azure still looks at."""
    window = _lasting(max(between + INGESTION, every))
    return window if window.reach + 2 * between <= LONGEST else Window(LONGEST, 1)
