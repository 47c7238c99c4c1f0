"""Polling policies, by simulation: how often a job is polled, and how late its end is seen."""

import math
import random
from collections.abc import Callable
from dataclasses import dataclass
from statistics import mean, quantiles

from dataflow_poller.settings import Settings

JOBS = 5_000
SHORTEST, LONGEST = 5, 12 * 3600
CONTRACT = Settings.from_env({"JobStorage": "UseDevelopmentStorage=true"}).policy
"""The app's, where nothing else is set."""

Policy = Callable[[float, int, random.Random], float]
"""The delay before the next poll, in seconds, for a job's age, the polls so far and a random source."""


def contract(age: float, _: int, rng: random.Random) -> float:
    """A share of the age, within bounds, spread."""
    return CONTRACT.delay(age).pick(rng.random())


def fixed(seconds: float) -> Policy:
    """Always the same."""
    return lambda _age, _polls, _rng: seconds


def exponential(_: float, polls: int, __: random.Random) -> float:
    """Twice as long each time, from 5 seconds, without a bound."""
    return 5 * 2.0**polls


POLICIES: dict[str, Policy] = {
    "the app's": contract,
    "every 15 s": fixed(15),
    "every 60 s": fixed(60),
    "every 5 min": fixed(300),
    "doubling from 5 s": exponential,
}


@dataclass(frozen=True)
class Polling:
    """What a policy costs: polls a job, seconds until an end is seen, and that as a share of the job's duration."""

    polls: float
    late: float
    late_95: float
    late_share: float


def durations(rng: random.Random) -> list[float]:
    """Log-normal, with a median of 8 minutes, cut to what loads take: 5 seconds to 12 hours."""
    drawn = (rng.lognormvariate(math.log(480), 1.8) for _ in iter(int, 1))
    sound = (seconds for seconds in drawn if SHORTEST <= seconds <= LONGEST)
    return [next(sound) for _ in range(JOBS)]


def simulate(policy: Policy, seed: int = 1) -> Polling:
    """Poll every job at once, then after each delay, until its end is seen."""
    rng = random.Random(seed)
    counts, lates, shares = [], [], []
    for duration in durations(rng):
        age, polls = 0.0, 1
        while age < duration:
            age += policy(age, polls - 1, rng)
            polls += 1
        counts.append(polls)
        lates.append(age - duration)
        shares.append((age - duration) / duration)
    return Polling(mean(counts), mean(lates), quantiles(lates, n=20)[-1], mean(shares))
