"""The folder of a made-up load run, written by the recorder as real ones are."""

from __future__ import annotations

import json
from pathlib import Path

from sockproof.analysis.summary.run_summary import write_summary
from sockproof.expected import Expected
from sockproof.load.record.recorder import ITSELF, Phase, Recorder
from sockproof.runs.load_records import RUN_FILE, Reason, boot_id

SECOND = 1_000_000_000
BEGAN = 100 * SECOND
LENGTH = 12  # seconds; the ramp is two of them, the drain one


def run_folder(folder: Path, stall: int | None = None, text: str = "echo") -> Path:
    """Twelve seconds of a hundred acknowledged messages each, 2 ms apart from their answers.

    In the second `stall` nothing is answered before its end. `text` is what strangers chose.
    """
    folder.mkdir(exist_ok=True)
    about = {
        "run": 7,
        "scenario": text,
        "target": f"http://{text}/",
        "parameters": {"users": 5, "note": text},
        "versions": {"python": text},
        "machine": {"system": text, "cpus": 2, "boot": boot_id()},
        "started": text,
        "started_ns": BEGAN,
        "processes": 1,
    }
    (folder / RUN_FILE).write_text(json.dumps(about))
    recorder = Recorder(folder, 7)
    for client in range(1, 6):
        recorder.connecting(client, BEGAN)
        recorder.connected(client, BEGAN, BEGAN, BEGAN + 20_000_000)
        recorder.joining(client, recorder.room(text), BEGAN)
    recorder.connecting(6, BEGAN, expects=Expected.FAILED_CONNECTS.bit)
    recorder.connect_failed(6, int(Reason.REFUSED), BEGAN + SECOND // 2)
    sequence = 0
    for second in range(LENGTH):
        if second == 2:
            recorder.phase(Phase.MEASURED, BEGAN + 2 * SECOND)
        if second == LENGTH - 1:
            recorder.phase(Phase.DRAIN, BEGAN + second * SECOND)
        end = BEGAN + (second + 1) * SECOND
        for number in range(100 if second < LENGTH - 1 else 0):
            sequence += 1
            due = BEGAN + second * SECOND + number * 9_000_000
            answered = end - 1 if second == stall else due + 2_000_000
            recorder.sending(1, sequence, ITSELF, due, due, 1)
            recorder.offered += 1
            recorder.echoed(1, sequence, due, due, answered)
        cost = {"cpu_s": second * 0.1, "rss_bytes": 80 << 20, "hub_lag_ns": 1_000_000}
        target = {"target_cpu_s": second * 0.5, "target_rss_bytes": 60 << 20}
        recorder.tick(end - 1, {**cost, **target})
    recorder.phase(Phase.OVER, BEGAN + LENGTH * SECOND)
    recorder.close(BEGAN + LENGTH * SECOND)
    write_summary(folder)
    return folder
