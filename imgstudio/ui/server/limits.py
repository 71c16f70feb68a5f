"""How much may wait on a server: for each visitor, each network address, and in all."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from .jobs import Job
from .settings import settings

FULL = 64  # jobs of everybody that wait in one lane
QUICK = 64  # events of one address that need no turn: what a class does in one moment
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


def _jobs(count: int) -> str:
    return "1 job" if count == 1 else f"{count} jobs"
