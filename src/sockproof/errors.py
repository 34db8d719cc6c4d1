"""Errors that are one line for the user, by the exit code that they mean.

Whoever raises one derives it from these, so that the command needs to know no other.
"""

from __future__ import annotations

CANNOT_BE_JUDGED = 2
WRONG_COMMAND = 3


class NotJudged(Exception):
    """What was asked cannot be judged: exit code 2."""


class WrongInput(Exception):
    """What was typed, or a file that was named, is of no use: exit code 3."""


class CommandError(WrongInput):
    """A command that cannot be carried out as it was typed."""
