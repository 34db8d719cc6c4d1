"""Load runs of a few processes, written as they write them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from sockproof.load.record import row_writer
from sockproof.load.record.recorder import ITSELF, Phase, Recorder
from sockproof.runs.load_records import RUN_FILE, boot_id

SECOND = 1_000_000_000
OTHER_BOOT = "another boot"


def about(folder: Path, **known: object) -> None:
    """Write `run.json`, of a run that began by the clock of this boot."""
    folder.mkdir(exist_ok=True)
    value = {"processes": 1, "machine": {"boot": boot_id()}, **known}
    (folder / RUN_FILE).write_text(json.dumps(value))


def elsewhere(folder: Path) -> Recorder:
    """The recorder of a process whose clock is that of another boot."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(row_writer, "boot_id", lambda: OTHER_BOOT)
        return Recorder(folder, 7)


def speak(recorder: Recorder, sequence: int, at: int, took: int) -> None:
    """A message is sent, acknowledged and heard by its sender."""
    recorder.sending(1, sequence, ITSELF, at, at, 1)
    recorder.offered += 1
    recorder.echoed(1, sequence, at, at, at + took)


def connect(recorder: Recorder, at: int) -> None:
    """Its one client connects."""
    recorder.connecting(1, at)
    recorder.connected(1, at, at, at)


def write(
    recorder: Recorder,
    began: int,
    measured: int,
    ends: int,
    slow: tuple[int, ...] = (),
) -> None:
    """Fifty messages in each second, in milliseconds: 5, and 90 in those that are slow.

    Seconds since the run began; the drain takes one.
    """
    connect(recorder, began)
    for second in range(ends):
        if second == measured:
            recorder.phase(Phase.MEASURED, began + second * SECOND)
        for number in range(50):
            at = began + second * SECOND + number * 1_000_000
            speak(recorder, 50 * second + number + 1, at, 1_000_000 * (90 if second in slow else 5))
        cost = {"cpu_s": second * 0.1, "rss_bytes": 1 << 20, "hub_lag_ns": 1000}
        recorder.tick(began + (second + 1) * SECOND - 1, cost)
    recorder.phase(Phase.DRAIN, began + ends * SECOND)
    recorder.phase(Phase.OVER, began + (ends + 1) * SECOND)
    recorder.close(began + (ends + 1) * SECOND)
