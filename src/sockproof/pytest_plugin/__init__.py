"""The plugin of pytest: a test for each case, and load runs as fixtures.

    @pytest.fixture(scope="session")
    def sockproof_target(sockproof_serve):
        return sockproof_serve.asgi("chat:app")

    @pytest.mark.sockproof(suites=["rooms"], expect=["known.toml"])
    def test_conformance(sockproof_case):
        sockproof_case.check()

    def test_nothing_is_lost(sockproof_load):
        assert sockproof_load("chat_rooms", users=20).counts["lost"] == 0

The rules that hold here:

* A run of tests that asks for none of the fixtures imports nothing of sockproof but this module.
* Cases and load run in processes of their own: asyncio and gevent never meet pytest's.
* A test is green only where its case was judged.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from sockproof.formats.load import Summary
    from sockproof.pytest_plugin.judging import Case
    from sockproof.pytest_plugin.serving import Served, Serving

OPTIONS = {
    "suite": ("NAME", "suite of cases to run, e.g. rooms; may be repeated"),
    "case": ("GLOB", "pattern of case ids to run; may be repeated"),
    "expect": ("FILE", "known deviations: a file, or the name of a bundled list"),
}
MARKER = (
    "sockproof(suites=(), cases=(), exclude=(), expect=(), **more): which cases sockproof_case runs"
    " and how; `more` are arguments of sockproof.judge, e.g. headers or timeout"
)


def pytest_addoption(parser: pytest.Parser) -> None:
    """Options, which replace what markers say."""
    group = parser.getgroup("sockproof", "conformance and load tests of servers")
    for name, (metavar, told) in OPTIONS.items():
        group.addoption(
            f"--sockproof-{name}", action="append", default=[], metavar=metavar, help=told
        )
    group.addoption("--sockproof-url", metavar="URL", help="server to test that is running already")


def pytest_configure(config: pytest.Config) -> None:
    """The marker is known."""
    config.addinivalue_line("markers", MARKER)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """One test for each case."""
    if "sockproof_case" in metafunc.fixturenames:
        from sockproof.pytest_plugin.judging import chosen

        ids = chosen(metafunc.config, metafunc.definition)
        metafunc.parametrize("sockproof_case", ids, ids=ids, indirect=True)


@pytest.fixture(scope="session")
def sockproof_serve(request: pytest.FixtureRequest) -> Iterator[Serving]:
    """What starts servers: `url`, `asgi`, `wsgi`, `command` and `container`."""
    from sockproof.pytest_plugin.serving import Serving

    serving = Serving(request.config.rootpath)
    yield serving
    serving.stop()


@pytest.fixture(scope="session")
def sockproof_target(request: pytest.FixtureRequest, sockproof_serve: Serving) -> Served:
    """The server under test: that of --sockproof-url, unless a project says what it is."""
    url = request.config.getoption("--sockproof-url")
    if url is None:
        pytest.fail("define a fixture sockproof_target, or give --sockproof-url", pytrace=False)
    return sockproof_serve.url(url)


@pytest.fixture
def sockproof_case(request: pytest.FixtureRequest, sockproof_target: Served) -> Case:
    """One case, as it ended; `check` passes, fails or skips the test."""
    from sockproof.pytest_plugin.judging import judged

    return judged(request, sockproof_target)


@pytest.fixture
def sockproof_load(
    request: pytest.FixtureRequest, sockproof_target: Served
) -> Callable[..., Summary]:
    """`sockproof.load` of a scenario against the target: gives the summary."""
    from sockproof.pytest_plugin.loading import load

    folder = request.path.parent

    def run(scenario: str, **more: Any) -> Summary:
        return load(scenario, folder, sockproof_target, more)

    return run
