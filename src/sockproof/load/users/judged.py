"""What becomes of an answer that a scenario has looked at."""

from __future__ import annotations

from time import monotonic_ns
from typing import Any

from sockproof.load.locust.run import Run
from sockproof.load.messages.answers import Answers


def judge(run: Run, answers: Answers, of: tuple[int, int, str], answer: Any) -> bool:
    """Write down whether the answer accepts a message, and its values; whether it does.

    `of` is the client, the sequence number, and what the message is called.
    """
    client, sequence, name = of
    recorder = run.recorder
    try:
        why = answers.refusal(answer)
        values = [] if why is not None else list(answers.values(answer))
    except Exception as error:  # of the scenario's own functions
        recorder.unjudged(client, sequence, monotonic_ns())
        run.failed(error, client)
        return False
    if why is not None:
        run.refused(client, name, why, sequence)
        return False
    for value in values:
        recorder.value(client, sequence, *value, monotonic_ns())
    return True
