"""A run of two hosts with a row of every kind, for `damage_run.py` to damage."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

from sockproof.analysis.summary.run_summary import write_summary
from sockproof.expected import Expected
from sockproof.load.record.recorder import Phase, Recorder
from sockproof.runs.load_records import (
    RUN_FILE,
    EmitFlag,
    LifeFlag,
    Reason,
    Stray,
    ValueFlag,
    record_file,
)
from sockproof.wire import stamp
from tests.runs import runs

SECOND = 1_000_000_000
BEGAN = 1000 * SECOND
AHEAD = 3600 * SECOND
SECONDS = 6
KINDS = ("rows", "latency", "health", "rooms", "clock")


def hosts_run(place: Path) -> None:
    """Folders `many`, with all of the run, `part`, with the first host's, `host`, with the other's.

    Links as `rows-0` and `rows-1` lead to the files of the two.
    """
    many, part, host = (place / name for name in ("many", "part", "host"))
    runs.about(many, run=7, processes=2, started_ns=BEGAN, scenario="chat", target="ws://h/")
    recorders = [Recorder(many, 7), runs.elsewhere(many)]
    for recorder, ahead, rooms in zip(recorders, (0, AHEAD), ("ab", "cd"), strict=True):
        _host(recorder, ahead, *rooms)
    with (many / record_file("clock", recorders[1].tag)).open("w") as file:
        for at in range(BEGAN, BEGAN + SECONDS * SECOND, SECOND // 2):
            ends = {"sent": at + AHEAD - 1_000_000, "received": at + AHEAD + 1_000_000}
            file.write(json.dumps({**ends, "there": at}) + "\n")
    for folder, tags in ((part, (0,)), (host, (1,))):
        folder.mkdir()
        shutil.copy(many / RUN_FILE, folder)
        for number in tags:
            for path in many.glob(f"*-{recorders[number].tag:08x}.*"):
                shutil.copy(path, folder)
    write_summary(many)
    for folder in (many, part, host):
        for number, recorder in enumerate(recorders):
            for kind in KINDS:
                name = record_file(kind, recorder.tag)
                if (folder / name).exists():
                    (folder / f"{kind}-{number}").symlink_to(name)


def _host(recorder: Recorder, ahead: int, lobby: str, hall: str) -> None:
    """What nobody can object to: each hears what is said in the rooms of its host."""

    def at(second: float) -> int:
        return BEGAN + ahead + round(second * SECOND)

    names, all_expected = recorder.names, sum(each.bit for each in Expected)
    clients = [recorder.client() for _ in range(3)]
    for user, client in enumerate(clients):
        recorder.connecting(client, at(0), names.user_class("AB"[user % 2]), user, all_expected)
        recorder.connected(client, at(0), at(0), at(0.01))
        names.label(user, f"user {user}", str)
        for room in (lobby, hall):
            recorder.joining(client, recorder.room(room), at(0.02), replays=user == 1)
            recorder.joined(client, recorder.room(room), at(0.03))
    again = recorder.client()
    failed = recorder.client()
    recorder.connecting(failed, at(0.1), expects=all_expected)
    recorder.connect_failed(failed, int(Reason.REFUSED), at(0.2), "connection refused")
    recorder.phase(Phase.MEASURED, at(0.5))
    checksum = stamp.checksum_of("body")
    sequence = 0
    for second in range(1, SECONDS):
        for number in range(40):
            sequence += 1
            now = at(second + number / 50)
            places = names.places((("said", "whispered")[number % 2], "message"))
            said_in = places[recorder.room(lobby if number % 3 else hall)]
            made = recorder.sending(clients[0], sequence, said_in, now, now + 1000, 1, checksum)
            names.body(checksum, "body", str)
            recorder.ack_received(clients[0], sequence, now, now + 1000, now + 2_000_000)
            data = b'["' + made + b'body"]'
            for client in clients:
                recorder.heard(client, data, now + 1_500_000)
            recorder.value(clients[0], sequence, "id", ValueFlag.OF_SENDER, sequence, now)
            recorder.notified(
                clients[0], recorder.room(lobby), "typing", 7, now, EmitFlag.SKIPS_SENDER
            )
            for client in clients[1:]:
                recorder.noticed(client, "typing", 7, now + 1_000_000)
        recorder.heard_history(clients[1], data, at(second + 0.9))
        recorder.tick(at(second + 0.95), {"cpu_s": second * 0.1, "rss_bytes": 1 << 20})
    recorder.stray(clients[0], 999, Stray.LATE)
    recorder.unanswer(clients[1], recorder.room(hall), at(SECONDS))
    recorder.error(clients[1], "ValueError: no", at(SECONDS))
    recorder.leaving(clients[1], recorder.room(hall), at(SECONDS))
    recorder.left(clients[1], recorder.room(hall), at(SECONDS + 0.01))
    recorder.dropped(clients[2], int(Reason.RESET), at(SECONDS), at(SECONDS + 0.02))
    recorder.connecting(again, at(SECONDS + 0.03), 1, 2, all_expected)
    recorder.follows(again, clients[2], at(SECONDS + 0.03), LifeFlag.REPLAYS)
    now = at(SECONDS + 0.1)
    recorder.connected(again, now, now, now)
    recorder.sending(again, 1, recorder.room(hall), now, now, 1, checksum)
    recorder.refuse(again, 1, "not allowed here", at(SECONDS + 0.2))
    recorder.ack_timed_out(again, 1, at(SECONDS + 0.5))
    now = at(SECONDS + 0.6)
    recorder.sending(again, 2, recorder.room(lobby), now, now, 1, checksum)
    recorder.withdrawn(again, 2, now, now, 1)
    for phase, second in ((Phase.DRAIN, SECONDS + 1), (Phase.OVER, SECONDS + 2)):
        recorder.phase(phase, at(second))
    recorder.close(at(SECONDS + 3))
