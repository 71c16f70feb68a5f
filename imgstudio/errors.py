"""The one error that people get to see."""

from __future__ import annotations


class StudioError(Exception):
    """A failure the user can act on. Its text is one sentence that says what is wrong and how to put it right.

    The page shows it as a message and the command line prints it; every other exception is a bug, and is logged.
    """
