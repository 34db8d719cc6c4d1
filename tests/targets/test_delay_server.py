"""The server of `sockproof calibrate`, beside what its measurements test."""

from __future__ import annotations

import subprocess
import sys

from tests.waiting import LIMIT


def test_server_whose_command_was_interrupted_before_it_listened_ends_without_a_word() -> None:
    with subprocess.Popen(
        [sys.executable, "-m", "sockproof.targets.delay_server"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as process:
        assert process.stdout is not None
        process.stdout.close()
        assert process.stderr is not None
        said = process.stderr.read()
        process.wait(LIMIT)
    assert said == b""
