"""Messages, users and bodies have names in the records, and no more of them than are bounded."""

from __future__ import annotations

from pathlib import Path

import pytest

from sockproof.load.messages.message import BODY, Message
from sockproof.load.messages.payload import Payload
from sockproof.load.record.recorder import NOBODY, Recorder
from sockproof.runs.load_records import MOST_BODIES, MOST_CLASSES, MOST_NAMES, OTHER
from sockproof.runs.reader import LoadRunFolder, Place, RowNames


def _written(recorder: Recorder) -> RowNames:
    recorder.close(1)
    (process,) = LoadRunFolder(recorder.folder).recorded
    return process.names()


@pytest.mark.parametrize(
    ("message", "name", "event"),
    [
        (Message("pm", BODY), "pm", "pm"),
        (Message("pm", BODY, name="private"), "private", "pm"),
        (Message("x" * 300, BODY), "x" * 99 + "…", "x" * 99 + "…"),
        (Message("pm", BODY, name="\ud800"), "\\ud800", "pm"),
        (Payload.json({"type": "say", "text": BODY}), "say", "say"),
        (Payload.json({"text": BODY, "do": "say", "kind": "other"}), "say", "say"),
        (Payload.json({"type": BODY, "cmd": "say"}), "say", "say"),
        (Payload.json({"type": 7, "text": BODY}), "message", ""),
        (Payload.json({"type": "say", "text": BODY}, name="private"), "private", "say"),
        (Payload.json([1, BODY]), "message", ""),
        (Payload.text("SAY ", BODY), "message", ""),
        (Payload.text("SAY ", BODY, name="say"), "say", ""),
        (Payload.coded({"op": "say", "b": BODY}, str), "say", "say"),
    ],
)
def test_a_message_is_called_by_its_name_or_its_event(
    message: Message | Payload, name: str, event: str
) -> None:
    assert message.called == (name, event)


@pytest.mark.parametrize("name", ["", " ", "x" * 101, 7])
def test_a_name_that_is_none_is_refused(name: object) -> None:
    with pytest.raises(ValueError, match="has 1 to 100 characters"):
        Message("pm", BODY, name=name)  # type: ignore[arg-type]


def test_a_place_is_a_room_and_what_is_said_to_it(tmp_path: Path) -> None:
    recorder = Recorder(tmp_path, 7)
    lobby = recorder.room("lobby")
    private = recorder.names.places(("private", "pm"))
    loud = recorder.names.places(("shout", "shout"))
    numbers = private["lobby"], loud["lobby"], private[NOBODY], private["lobby"]
    assert len({lobby, *numbers}) == 4
    names = _written(recorder)
    assert names.rooms == {lobby: "lobby"}
    assert [names.place(number) for number in (lobby, *numbers[:3])] == [
        Place(lobby),
        Place(lobby, "private", "pm"),
        Place(lobby, "shout", "shout"),
        Place(NOBODY, "private", "pm"),
    ]


def test_lines_that_no_process_writes_do_no_harm() -> None:
    names = RowNames()
    for line in (
        {"user": "x", "class": 1, "name": "y"},
        {"class": 1, "name": 7},
        {"room": 5, "message": "m", "of": "x"},
        {"room": 6, "message": "m", "of": 4, "event": 8},
        {"room": 7, "message": 1},
    ):
        names.take(line)
    assert (names.classes, names.labels, names.rooms) == ({1: "y"}, {}, {})
    assert names.places == {6: Place(4, "m", "")}


def test_names_are_bounded(tmp_path: Path) -> None:
    recorder = Recorder(tmp_path, 7)
    names = recorder.names
    for number in range(3 * MOST_BODIES):
        name = f"name {number}"
        user_class = names.user_class(name)
        places = names.places((name, name))
        places["lobby"]
        names.acks(places, user_class)
        names.body(number, name, str)
    assert len(names.all_acks) < 2 * MOST_NAMES
    written = _written(recorder)
    told = {place.message for place in written.places.values()}
    assert len(told) == MOST_NAMES + 1
    assert OTHER in told
    assert len(written.classes) == MOST_CLASSES
    assert len(written.bodies) == MOST_BODIES


def test_secrets_are_in_no_label_and_in_no_body(tmp_path: Path) -> None:
    recorder = Recorder(tmp_path, 7)

    def hide(text: str) -> str:
        return text.replace("secret", "***")

    recorder.names.label(3, "user secret", hide)
    recorder.names.body(1, "x" * 198 + "secret", hide)
    recorder.names.body(2, b"\xff secret", hide)
    names = _written(recorder)
    assert names.labels == {3: "user ***"}
    assert names.bodies == {1: "x" * 198 + "*…", 2: "\\xff ***"}


def test_acknowledgements_are_counted_by_name(tmp_path: Path) -> None:
    recorder = Recorder(tmp_path, 7)
    names = recorder.names
    of = {name: names.acks(names.places((name, name)), 0) for name in ("private", "loud")}
    recorder.ack_received(1, 1, 1_000, 1_000, 1_100, of["private"])
    recorder.ack_received(1, 2, 1_000, 1_050, 1_100, of["loud"])
    recorder.echoed(1, 3, 1_000, 1_000, 1_100, of["loud"])
    recorder.ack_received(1, 4, 1_000, 1_000, 1_100)
    recorder.fold()
    assert {each.message: dict(each.intended) for each in names.all_acks} == {
        "": {100: 1},
        "private": {100: 1},
        "loud": {100: 2},
    }
    assert [dict(each) for each in recorder.acks()] == [{100: 4}, {100: 3, 50: 1}]
    assert dict(recorder.delivery_intended) == {100: 1}
    recorder.tick(2_000)
    assert not any(each.intended for each in names.all_acks)
    recorder.close(3_000)
