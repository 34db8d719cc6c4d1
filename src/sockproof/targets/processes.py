"""Starting a process that does not outlive this one, whenever a signal comes."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from typing import Any

from sockproof import leash, signals


def start(words: Sequence[str], **how: Any) -> subprocess.Popen[bytes]:
    """Start a process in a session of its own, on the leash; `how` is for `Popen`.

    A signal that comes meanwhile is raised when the leash knows of the process: before that nobody
    would end it. Raises `OSError` when it cannot be started.
    """
    leash.ready()
    with signals.held():
        process = subprocess.Popen(words, start_new_session=True, **how)
        leash.hold(process.pid)
    return process
