"""What a sender has written down outweighs what comes back, and what is missing accuses nobody."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from sockproof.analysis.delivery.checker import check, missing
from sockproof.analysis.delivery.latency import DeliveryLatencies
from sockproof.analysis.evidence.history import History
from sockproof.analysis.summary.missing_records import missing_records
from sockproof.load.record.recorder import ITSELF, NOBODY, EmitFlag, Phase, Recorder
from sockproof.runs.clock import SECOND
from sockproof.runs.histogram import bucket_of
from sockproof.runs.load_records import ROW, ROWS_AT, STEP, Kind, Stray
from sockproof.runs.reader import LoadRunFolder
from sockproof.wire import stamp
from tests.analysis.history import END, RUN, Written, all_of, in_partitions, violations
from tests.recorded import row_files

ASKED = EmitFlag.ACKNOWLEDGED
BODY = "a body"


@pytest.fixture
def run(tmp_path: Path) -> Written:
    return Written(tmp_path)


def heard(recorder: Recorder, client: int, made: bytes, body: str, at: int) -> None:
    """A client hears an event with this stamp and this body."""
    recorder.heard(client, b'42["said","' + made + body.encode() + b'"]', at)


def rewritten(
    made: bytes, body: str, *, later: int = 0, delay: int = 0, sequence: int | None = None
) -> bytes:
    """A stamp with other fields and a right check."""
    found = stamp.find(made)
    assert found is not None
    number = found.sequence if sequence is None else sequence
    time = found.intended_ns + later
    checksum = stamp.checksum_of(body)
    return stamp.octets(found.run, found.sender, number, time, time + delay, checksum)


FORGERIES: list[tuple[Callable[[bytes], bytes], str, dict[str, int]]] = [
    (lambda made: made, BODY, {}),
    (lambda made: made, "another", {"corrupted": 1}),
    (lambda made: rewritten(made, BODY, later=5), BODY, {"forged": 1}),
    (lambda made: rewritten(made, BODY, delay=5_000), BODY, {"forged": 1}),
    (lambda made: rewritten(made, "another"), "another", {"forged": 1, "corrupted": 1}),
    (lambda made: rewritten(made, "another"), BODY, {"forged": 1}),
    (lambda made: rewritten(made, "another"), "a third", {"forged": 1, "corrupted": 1}),
]


@pytest.mark.parametrize(("forge", "body", "expected"), FORGERIES)
def test_stamp_and_body_are_held_against_the_senders_row(
    forge: Callable[[bytes], bytes], body: str, expected: dict[str, int], run: Written
) -> None:
    process, client = run.client()
    recorder = run.recorders[process]
    made = recorder.sending(client, 1, ITSELF, 10, 10, ASKED, stamp.checksum_of(BODY))
    recorder.ack_received(client, 1, 10, 10, 90)
    heard(recorder, client, forge(made), body, 70)
    found = run.check()
    assert violations(found) == expected
    assert found.exercised["forged"] == 1


def test_sequence_of_another_message_is_forged(run: Written) -> None:
    process, client = run.client()
    recorder = run.recorders[process]
    first = recorder.sending(client, 1, ITSELF, 10, 10, 0, stamp.checksum_of(BODY))
    recorder.sending(client, 2, ITSELF, 30, 30, 0, stamp.checksum_of(BODY))
    heard(recorder, client, rewritten(first, BODY, sequence=2), BODY, 70)
    assert violations(run.check()) == {"forged": 1, "lost": 1}


def test_latency_is_by_the_senders_row(tmp_path: Path) -> None:
    run = Written(tmp_path)
    process, client = run.client()
    recorder = run.recorders[process]
    recorder.phase(Phase.MEASURED, 5)
    made = recorder.sending(client, 1, ITSELF, 1_000, 3_000, 0, stamp.checksum_of(BODY))
    heard(recorder, client, rewritten(made, BODY, later=80_000), BODY, 90_000)
    recorder.phase(Phase.OVER, 1_000_000)
    recorder.close(1_000_001)
    latencies = DeliveryLatencies()
    check(LoadRunFolder(tmp_path), latencies=latencies)
    (line,) = latencies.lines(recorder.tag)
    assert line["phase"] == Phase.MEASURED
    told = {name: sum(map(int, counts)) for name, counts in line["delivery"].items()}
    assert told == {"intended": bucket_of(89_000), "actual": bucket_of(87_000)}


# Time.


def test_what_comes_behind_the_drain_is_late_and_lost(run: Written) -> None:
    client = run.client()
    run.say(client, 1, ITSELF, 10, flags=ASKED)
    recorder = run.recorders[0]
    recorder.phase(Phase.OVER, 100)
    recorder.disconnecting(client[1], 110)
    run.hear(client, client, 1, 120)
    recorder.ack_received(client[1], 1, 10, 10, 121)
    recorder.ended(client[1], 1, 120, 130)
    recorder.close(140)
    found = check(LoadRunFolder(run.folder))
    assert all_of(in_partitions(run.folder)) == all_of(found)
    assert violations(found) == {"lost": 1}
    assert found.counts["receipts"] == found.counts["acknowledged"] == 0
    assert found.counts["late"] == found.counts["late_acks"] == 1


def test_what_is_sent_in_the_drain_need_not_come_back(run: Written) -> None:
    client = run.client()
    recorder = run.recorders[0]
    recorder.phase(Phase.DRAIN, 50)
    run.say(client, 1, ITSELF, 90, flags=ASKED)
    recorder.phase(Phase.OVER, 100)
    run.hear(client, client, 1, 120)
    recorder.ack_received(client[1], 1, 90, 90, 121)
    recorder.close(140)
    found = check(LoadRunFolder(run.folder))
    assert all_of(in_partitions(run.folder)) == all_of(found)
    assert violations(found) == {}
    assert found.counts["due"] == 0
    assert found.counts["undetermined"] == found.counts["late"] == 1


def test_what_is_missing_is_known_while_a_run_goes_on(run: Written) -> None:
    clients = [run.client() for _ in range(3)]
    for client in clients:
        run.join(client, "lobby", 1, 2)
    run.say(clients[0], 1, "lobby", 10, acked=20)
    run.say(clients[1], 1, "lobby", 10)  # nobody knows whether it has arrived
    run.hear(clients[0], clients[0], 1, 15)
    assert missing(LoadRunFolder(run.folder), 50) == 2 + 3
    for client in clients[1:]:
        run.hear(client, clients[0], 1, 60)
    for client in clients:
        run.hear(client, clients[1], 1, 60)
    assert missing(LoadRunFolder(run.folder), 70) == 0
    run.check()


# Acknowledgements and connections.


def test_acknowledgement_that_never_came_is_missed(run: Written) -> None:
    client, cut_off = run.client(), run.client()
    run.say(client, 1, NOBODY, 10, acked=20, flags=ASKED)
    run.say(client, 2, NOBODY, 10, flags=ASKED)
    run.say(client, 3, NOBODY, 10)  # none was asked for
    run.say(client, 4, ITSELF, 10, flags=ASKED)  # lost is said of it
    run.say(cut_off, 1, NOBODY, 10, flags=ASKED)
    run.recorders[0].ended(cut_off[1], 1, 9, 12)
    found = run.check()
    assert violations(found) == {"unacknowledged": 1, "lost": 1}
    assert found.exercised["unacknowledged"] == 3
    assert "message 2 of client 1 of" in found.examples["unacknowledged"][0]


def test_acknowledgements_that_answer_nothing_are_counted_by_kind(run: Written) -> None:
    process, client = run.client()
    recorder = run.recorders[process]
    for number, stray in enumerate(
        (Stray.UNASKED, Stray.UNASKED, Stray.EARLY, Stray.DOUBLED, Stray.FOREIGN, Stray.LATE)
    ):
        recorder.stray(client, number, stray)
    assert recorder.misacknowledged == 4
    found = run.check()
    assert violations(found) == {"misacknowledged": 4}
    told = {name: found.counts[name] for name in found.counts if name.endswith("_acks")}
    assert told == {
        "stray_acks": 1,
        "early_acks": 1,
        "doubled_acks": 1,
        "foreign_acks": 1,
        "late_acks": 1,
    }


@pytest.mark.parametrize(
    ("reason", "is_broken"), [(2, False), (5, False), (18, False), (4, True), (6, True), (20, True)]
)
def test_connection_that_the_target_broke(reason: int, is_broken: bool, run: Written) -> None:
    client, left = run.client(), run.client()
    run.recorders[0].dropped(client[1], reason, 9, 12)
    run.recorders[0].disconnecting(left[1], 10)
    run.recorders[0].ended(left[1], reason, 9, 12)
    found = run.check()
    assert found.counts["broken"] == is_broken
    assert found.exercised["broken"] == 2


# What could not be written down.


class FullDisk:
    """A disk that is full while it is told so; blocks of rows are small."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, recorder: Recorder) -> None:
        self.recorder = recorder
        self.full = False
        self._grow = recorder._rows._grow
        monkeypatch.setattr(recorder._rows, "_grow", self.grow)

    def grow(self, base: int) -> object:
        if self.full:
            raise OSError(28, "No space left on device")
        return self._grow(base)

    def fill(self) -> None:
        """Use up the place that there is."""
        self.full = True
        while self.recorder._offset < STEP:
            self.recorder._row(Kind.END, 0, 0, 0, 1)

    def empty(self, at: int = 500) -> None:
        """There is space again, from a time on."""
        self.full = False
        self.recorder._settle()
        self.recorder._rows._gap[1] = at  # not when this test runs
        self.recorder._rows._tell()


@pytest.fixture
def disk(run: Written, monkeypatch: pytest.MonkeyPatch) -> FullDisk:
    return FullDisk(monkeypatch, run.recorders[0])


def test_receipts_that_could_not_be_written_are_not_called_lost(
    run: Written, disk: FullDisk
) -> None:
    clients = [run.client() for _ in range(3)]
    for client in clients:
        run.join(client, "lobby", 1, 2)
    speaker = clients[0]
    for number, at in ((1, 10), (2, 30), (3, 50), (4, 600)):
        run.say(speaker, number, "lobby", at, acked=at + 5)
    run.hear(clients[1], speaker, 2, 35)  # what came before it has come, or is lost
    disk.fill()
    for client in clients:
        run.hear(client, speaker, 3, 55)
    disk.empty()
    for client in clients:
        run.hear(client, speaker, 4, 610)
    found = run.check()
    # Of the first message one receipt is surely lost, of the last none.
    assert violations(found) == {"lost": 1}
    assert found.counts["receipts"] == 4
    assert row_files(run.folder)[0].missing == {Kind.RECEIPT: 3}


def test_messages_that_could_not_be_written_are_not_called_invented(
    run: Written, disk: FullDisk
) -> None:
    client = run.client()
    run.say(client, 1, ITSELF, 10, acked=20)
    run.hear(client, client, 1, 15)
    disk.fill()
    run.say(client, 2, ITSELF, 30)
    disk.empty()
    run.hear(client, client, 2, 600)
    found = run.check()
    assert violations(found) == {}
    assert found.counts["unrecorded"] == 1
    assert found.counts["emitted"] == 1


def test_what_is_missing_is_told_in_the_order_of_time(run: Written, disk: FullDisk) -> None:
    client = run.client()
    spans = [[1.0, 2.0], [9.5, 9.6], [10.2, 11.0], [12.0, 100.0]]
    for number, (begin, end) in enumerate(spans, 1):
        disk.fill()
        run.say(client, number, ITSELF, int(begin * SECOND))
        disk.empty(int(end * SECOND))
    run.check()
    told = missing_records(LoadRunFolder(run.folder)).seconds
    first = told[0][0] or 0.0
    assert [[round((at or 0.0) - first + 1.0, 3) for at in span] for span in told] == spans


def test_message_of_a_process_without_records_is_not_called_invented(tmp_path: Path) -> None:
    run = Written(tmp_path, processes=2)
    hearer, speaker = run.client(process=0), run.client(process=1)
    run.say(speaker, 1, "lobby", 10)
    run.hear(hearer, speaker, 1, 15)
    for recorder in run.recorders:
        recorder.phase(Phase.OVER, END)
        recorder.close(END + 1)
    run.recorders[1]._rows.path.unlink()
    assert violations(check(LoadRunFolder(tmp_path), processes=1)) == {"invented": 1}
    found = check(LoadRunFolder(tmp_path), processes=2)
    assert violations(found) == {}
    assert found.counts["unrecorded"] == 1


def test_who_came_while_it_could_not_be_written_is_not_called_a_stranger(
    run: Written, disk: FullDisk
) -> None:
    speaker, member, leaver = run.client(), run.client(), run.client()
    run.join(speaker, "lobby", 1, 2)
    run.join(leaver, "lobby", 1, 2)
    disk.fill()
    run.join(member, "lobby", 20, 21)
    run.leave(leaver, "lobby", 20, 21)
    disk.empty()
    run.say(speaker, 1, "lobby", 600, acked=620)
    for client in (speaker, member):
        run.hear(client, speaker, 1, 610)
    found = run.check()
    assert violations(found) == {}
    assert found.counts["receipts"] == 2


def test_room_whose_name_is_missing_accuses_nobody(run: Written) -> None:
    speaker, hearer = run.client(), run.client()
    run.join(hearer, "lobby", 1, 2)
    run.say(speaker, 1, "lobby", 10, acked=20)
    run.say(speaker, 2, "lobby", 10, acked=20)
    run.hear(speaker, speaker, 1, 15)
    run.recorders[0].phase(Phase.OVER, END)
    run.recorders[0].close(END + 1)
    next(run.folder.glob("rooms-*.jsonl")).unlink()
    assert violations(check(LoadRunFolder(run.folder))) == {}


def test_withdrawn_message_was_not_sent(run: Written) -> None:
    process, client = run.client()
    run.say((process, client), 1, ITSELF, 10)
    run.recorders[process].withdrawn(client, 1, 10, 10)
    found = run.check()
    assert found.counts["emitted"] == 0
    assert violations(found) == {}


def test_rows_begin_behind_a_page(run: Written) -> None:
    run.client()
    run.check()
    file = row_files(run.folder)[0]
    assert file.path.stat().st_size == ROWS_AT + file.rows * ROW.size
    assert History(LoadRunFolder(run.folder)).killed == 0
    assert file.run == RUN
