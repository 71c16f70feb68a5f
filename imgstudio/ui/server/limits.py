"""How much may wait on a server: for each visitor, each network address, and in all."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from .jobs import COMPUTE, Job
from .settings import settings

FULL = 64  # jobs of everybody that wait in one lane
QUICK = 64  # events of one address that need no turn: what a class does in one moment
AT_ONCE = 24  # jobs that are begun at once, whose steps take turns (see `studio.scheduler`): the server has 40 threads
RESULTS, RESULTS_PLAIN, PREVIEWS = 12, 2, 3  # of them: not previews; those of one plain caller's address; previews of one page
LONGEST_NAME = 64  # characters of a session's name


@dataclass(frozen=True)
class Refusal:
    """A job that is not taken. reason: in one word, for the log."""

    reason: str
    sentence: str
    status: int = 429


def refusal(job: Job, others: Iterable[Job]) -> Refusal | None:
    """Why there is no place for a job beside those that are here already."""
    if len(job.session) > LONGEST_NAME:
        return Refusal("session", f"The name of a session has at most {LONGEST_NAME} characters.", 400)
    others = list(others)
    if not job.heavy:
        if sum(not other.heavy and other.address == job.address for other in others) >= QUICK:
            return Refusal("events", "So many requests at once come from your network: wait a moment, and try again.")
        return None
    waiting = [other for other in others if other.waiting and other.lane == job.lane]
    limits = settings()
    if job.session and sum(other.session == job.session for other in waiting) >= limits.waiting:
        return Refusal("visitor", f"{_jobs(limits.waiting)} of yours wait already: let one finish, or press Stop.")
    if sum(other.address == job.address for other in waiting) >= limits.waiting_address:
        return Refusal("address", f"{_jobs(limits.waiting_address)} from your network wait already: try again in a while.")
    if len(waiting) >= FULL:
        return Refusal("full", f"{_jobs(FULL)} wait already: try again in a while.")
    return None


def has_room(job: Job, others: Iterable[Job]) -> bool:
    """Whether a job may begin beside those that have begun already: one result at a time for each page, so that the long work
    of one visitor leaves room for all others."""
    if job.lane != COMPUTE:
        return True
    begun = [other for other in others if not other.waiting and other.lane == COMPUTE and other is not job]
    if sum(other.address == job.address for other in begun) >= max(settings().waiting_address, RESULTS_PLAIN):
        return False
    if job.live:
        return sum(other.live and other.session == job.session for other in begun) < PREVIEWS
    results = [other for other in begun if not other.live]
    if len(results) >= RESULTS:
        return False
    if job.plain:
        return sum(other.plain and other.address == job.address for other in results) < RESULTS_PLAIN
    return not any(other.session == job.session for other in results)


def _jobs(count: int) -> str:
    return "1 job" if count == 1 else f"{count} jobs"
