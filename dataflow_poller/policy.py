"""When to poll a job again, and when to give it up. Pure."""

import math
from dataclasses import dataclass


@dataclass(frozen=True)
class Wait:
    """The next poll is due after this many whole seconds: any of this span, so that polls spread."""

    earliest: int
    latest: int

    def at_least(self, seconds: float) -> "Wait":
        """This wait, but no shorter than ``seconds``."""
        return Wait(max(self.earliest, math.ceil(seconds)), max(self.latest, math.ceil(seconds)))

    def pick(self, share: float) -> int:
        """One of the span's seconds, for a random ``share`` of 0 to 1."""
        return min(self.latest, self.earliest + int(share * (self.latest - self.earliest + 1)))


@dataclass(frozen=True)
class PollingPolicy:
    """When to poll again, and when to give up. Seconds, and a ratio of the job's age."""

    delay_ratio: float
    min_delay: float
    max_delay: float
    max_age: float

    def delay(self, age: float) -> Wait:
        """The wait before the next poll of a job of this age (seconds): a share of it, within the bounds."""
        middle = min(max(self.delay_ratio * age, self.min_delay), self.max_delay)
        earliest, latest = math.ceil(0.9 * middle), math.floor(1.1 * middle)
        if earliest > latest:
            earliest = latest = max(1, round(middle))
        return Wait(earliest, latest)
