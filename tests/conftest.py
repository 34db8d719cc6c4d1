"""What was drawn by date stands at the end of every run of the tests."""

from __future__ import annotations

import pytest

from tests import sample


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say how to draw it again."""
    terminalreporter.write_line(f"drawn by date: {sample.said()}")
