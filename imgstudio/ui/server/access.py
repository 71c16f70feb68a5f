"""The log of a server: a line for each job that computes, and for everything that was refused.

It tells the time, a pseudonym of the visitor, the operation, seconds, and the outcome: never a picture, the name of a file,
a token or an address.
"""

from __future__ import annotations

import hashlib
import hmac
import logging
import re
import secrets
import sys
import time

log = logging.getLogger("imgstudio.access")

_KEY = secrets.token_bytes(16)  # of this process alone, so that pseudonyms lead back to nobody


def configure() -> None:
    """Has the lines written to standard error, whatever else is logged."""
    if log.handlers:
        return
    handler = logging.StreamHandler(sys.stderr)
    formatter = logging.Formatter("time=%(asctime)sZ log=%(name)s %(message)s", "%Y-%m-%dT%H:%M:%S")
    formatter.converter = time.gmtime
    handler.setFormatter(formatter)
    log.addHandler(handler)
    log.setLevel(logging.INFO)
    log.propagate = False


def pseudonym(session: str) -> str:
    """The same for all jobs of one session; without the key of this process it tells nothing."""
    return hmac.new(_KEY, session.encode(), hashlib.sha256).hexdigest()[:8]


def record(session: str, operation: str, seconds: float, outcome: str, reason: str = "") -> None:
    """One line. operation: the name of a function of the studio's own; reason: a name in one word."""
    plain = {"visitor": pseudonym(session), "op": operation, "seconds": f"{seconds:.2f}", "outcome": outcome}
    if reason:
        plain["reason"] = reason
    log.info(" ".join(f"{key}={re.sub(r'[^A-Za-z0-9_.-]+', '-', value)[:60]}" for key, value in plain.items()))
