"""Exceptions of a scenario's own methods, in a line."""

from __future__ import annotations

import os
import sysconfig
from pathlib import Path
from types import TracebackType

import sockproof

_OURS = f"{Path(sockproof.__file__).parent}{os.sep}"
_SHELF = f"{_OURS}shelf{os.sep}"  # where scenarios of the installed package stand
_LIBRARIES = ("site-packages", "dist-packages", sysconfig.get_path("stdlib"))
_HEAD, _TAIL = 90, 100  # of a long message: libraries say the cause last


def told(error: BaseException) -> str:
    """Which exception it is, and where in the scenario it came from."""
    text = " ".join(str(error).split())
    if len(text) > _HEAD + _TAIL:
        text = f"{text[:_HEAD]} … {text[-_TAIL:]}"
    said = f"{type(error).__name__}: {text}" if text else type(error).__name__
    place = _place(error.__traceback__)
    return f"{said} ({place})" if place else said


def is_of_scenario(error: BaseException) -> bool:
    """Whether the scenario's code has a part in it, and not ours alone."""
    return bool(_place(error.__traceback__))


def _place(trace: TracebackType | None) -> str:
    """The innermost line that belongs to the scenario; empty where none does."""
    found = ""
    while trace is not None:
        code = trace.tb_frame.f_code
        if _is_scenario(code.co_filename):
            found = f"{Path(code.co_filename).name}:{trace.tb_lineno}, in {code.co_name}"
        trace = trace.tb_next
    return found


def _is_scenario(file: str) -> bool:
    if file.startswith(_SHELF):
        return True
    if file.startswith(("<", _OURS)):
        return False
    return not any(part in file for part in _LIBRARIES)
