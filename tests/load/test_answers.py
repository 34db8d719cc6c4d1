"""What scenarios say of answers: accepted, refused and why."""

from __future__ import annotations

from typing import Any

import pytest

from sockproof.load.messages.answers import Increasing, Unique, answers, reason_in
from sockproof.load.messages.message import BODY, Message


@pytest.mark.parametrize(
    ("check", "answer", "refusal"),
    [
        ({"ok": True}, {"ok": True}, None),
        ({"ok": True}, {"ok": False, "error": "too fast"}, "too fast"),
        ({"ok": True}, {"ok": 1, "code": 7}, "7"),
        ({"data.ok": True}, ["no"], '["no"]'),
        ({"ok": True}, [], "[]"),
        (lambda answer: answer["ok"], {"ok": True}, None),
        (lambda answer: answer["ok"], {"ok": False}, '{"ok": false}'),
        (lambda answer: answer.get("error") or True, {"error": "full"}, "full"),
        ([{"ok": True}, lambda answer: "late" not in answer], {"ok": True, "late": 1}, '{"ok'),
        ([Unique("id"), Increasing("id")], {}, None),
    ],
)
def test_an_answer_accepts_or_refuses_with_a_reason(
    check: Any, answer: Any, refusal: str | None
) -> None:
    said = answers(check)
    assert said is not None
    found = said.refusal(answer)
    assert found == refusal or (refusal and found and found.startswith(refusal))


@pytest.mark.parametrize("check", [lambda _: None, lambda answer: answer["ok"], lambda _: 1])
def test_a_check_that_says_neither_is_an_error(check: Any) -> None:
    said = answers(check)
    assert said is not None
    with pytest.raises((TypeError, KeyError)):
        said.refusal({})


@pytest.mark.parametrize("value", ["a", 1.5, 1 << 64, True, [1]])
def test_only_whole_numbers_increase(value: object) -> None:
    said = answers(Increasing("id"))
    assert said is not None
    with pytest.raises(ValueError, match=r"whole number|64 bits"):
        list(said.values({"id": value}))


def test_a_message_knows_what_its_answers_say() -> None:
    for message in (
        Message("say", BODY, ack={"ok": True}),
        Message.json({"text": BODY}, ack={"ok": True}),
        Message.text(BODY, ack={"ok": True}),
    ):
        assert message.answers is not None
        assert message.answers.refusal({"ok": False}) == '{"ok": false}'
    assert Message("say", BODY).answers is None
    with pytest.raises(ValueError, match="says nothing of an answer"):
        Message("say", BODY, ack=[1])  # type: ignore[list-item]


def test_a_reason_is_short() -> None:
    assert len(reason_in({"error": "x" * 1000})) == 200
    assert reason_in({"text": "no", "error": "other"}, "text") == "no"
