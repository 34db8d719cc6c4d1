"""Every test is watched, and what was drawn by date stands at the end of every run of the tests."""

from __future__ import annotations

import sys
from collections.abc import Generator

import pytest
from hypothesis import HealthCheck, settings

from tests import order, sample, shared
from tests.watchdog import Watchdog

WATCHDOG = Watchdog()
settings.register_profile("busy", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("busy")


def pytest_configure(config: pytest.Config) -> None:
    """The first process of a run makes room for what they share."""
    if not hasattr(config, "workerinput"):
        shared.begin()


def pytest_unconfigure(config: pytest.Config) -> None:
    """No test is left to be watched, or to ask for anything."""
    WATCHDOG.end()
    if not hasattr(config, "workerinput"):
        shared.end()


@pytest.hookimpl(trylast=True)  # what is not chosen is out by then
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """The long ones begin first, in each process of a run that has several."""
    if hasattr(config, "workerinput"):
        long = [item for item in items if order.is_long(_module(item))]
        others = [item for item in items if not order.is_long(_module(item))]
        items[:] = order.dealt(long, others, config.workerinput["workercount"])


def _module(item: pytest.Item) -> str:
    return item.nodeid.partition("::")[0].removesuffix(".py").replace("/", ".")


def pytest_collection_finish() -> None:
    """Locust patches what asyncio and xdist need: tests run it in processes of their own."""
    if "locust" in sys.modules:
        raise pytest.UsageError("a test module imports Locust, as by sockproof.load.users")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, object, object]:
    """End it when it stands still."""
    if item.get_closest_marker("timeout"):
        return (yield)
    with WATCHDOG.watching():
        return (yield)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say how to draw it again."""
    terminalreporter.write_line(f"drawn by date: {sample.said()}")
