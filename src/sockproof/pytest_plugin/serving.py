"""The servers that tests name: started when a test first asks for them, and stopped at the end."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from sockproof.errors import NotJudged, WrongInput
from sockproof.formats.tables import Profile
from sockproof.targets.launch import RunningTarget, launch
from sockproof.targets.spec import TargetSpec

URL = "http://127.0.0.1:{port}/"
_ENGINES = ("docker", "podman")


class Served:
    """A server, which runs from when its `url` is asked for."""

    def __init__(
        self, name: str, url: str, start: Sequence[str] = (), folder: Path | None = None
    ) -> None:
        """Without `start` it runs already, at `url`."""
        self.name = name
        self._url = url
        self._start = tuple(start)
        self._folder = folder or Path.cwd()
        self._running: RunningTarget | None = None

    @property
    def url(self) -> str:
        """Where it is; fails the test where it does not start."""
        if not self._start:
            return self._url
        if self._running is None:
            try:
                self._running = launch(self._spec())
            except (NotJudged, WrongInput) as error:
                pytest.fail(str(error), pytrace=False)
        return self._running.url

    @property
    def pid(self) -> int | None:
        """Its process, where it was started here and runs."""
        return None if self._running is None else self._running.pid

    def stop(self) -> None:
        """End it."""
        if self._running is not None:
            self._running.stop()
            self._running = None

    def _spec(self) -> TargetSpec:
        return TargetSpec(
            name=re.sub(r"\W+", "-", self.name),
            title=self.name,
            kind="application",
            folder=self._folder,
            start=self._start,
            url=self._url,
            requires=(),
            version="",
            profile=Profile(),
        )


class Serving:
    """Makes servers, and stops them."""

    def __init__(self, folder: Path) -> None:
        """`folder` is where servers start that name no other."""
        self._folder = folder
        self._served: list[Served] = []
        self._containers: list[tuple[str, str]] = []

    def url(self, url: str) -> Served:
        """A server that runs already."""
        return self._add(Served(url, url))

    def asgi(
        self,
        app: str,
        *,
        url: str = URL,
        env: Mapping[str, str] | None = None,
        cwd: Path | None = None,
    ) -> Served:
        """An ASGI application, as "package.module:app", on uvicorn."""
        folder = cwd or self._folder
        words = ["{python}", "-m", "uvicorn", app, "--host", "127.0.0.1", "--port", "{port}"]
        words += ["--app-dir", _plain(str(folder)), "--log-level", "warning"]
        words += ["--timeout-graceful-shutdown", "1"]
        return self.command(words, url=url, env=env, cwd=folder, name=app)

    def wsgi(
        self,
        app: str,
        *,
        url: str = URL,
        env: Mapping[str, str] | None = None,
        cwd: Path | None = None,
    ) -> Served:
        """A WSGI application, as "package.module:app", on Werkzeug's server, in threads."""
        folder = cwd or self._folder
        words = ["{python}", "-m", "sockproof.pytest_plugin.wsgi", app, _plain(str(folder))]
        return self.command([*words, "{port}"], url=url, env=env, cwd=folder, name=app)

    def command(
        self,
        words: Sequence[str],
        *,
        url: str = URL,
        env: Mapping[str, str] | None = None,
        cwd: Path | None = None,
        name: str | None = None,
    ) -> Served:
        """Any program; {port} in its words is the port that it is to listen on."""
        pairs = [f"{key}={_plain(value)}" for key, value in (env or {}).items()]
        start = ["env", *pairs, *words] if pairs else list(words)
        return self._add(Served(name or words[0], url, start, cwd or self._folder))

    def container(
        self,
        image: str,
        port: int,
        *,
        url: str = URL,
        env: Mapping[str, str] | None = None,
        options: Sequence[str] = (),
    ) -> Served:
        """A container of an image whose server listens on `port`; skips where no engine is."""
        engine = next((each for each in _ENGINES if shutil.which(each)), None)
        if engine is None:
            pytest.skip(f"containers need {' or '.join(_ENGINES)}")
        name = f"sockproof-{os.getpid()}-{len(self._containers)}"
        self._containers.append((engine, name))
        words = [engine, "run", "--rm", "--name", name, "--publish", f"127.0.0.1:{{port}}:{port}"]
        for key, value in (env or {}).items():
            words += ["--env", f"{key}={_plain(value)}"]
        return self.command([*words, *options, image], url=url, name=image)

    def stop(self) -> None:
        """End all of them."""
        for each in reversed(self._served):
            each.stop()
        for engine, name in self._containers:  # one whose client was killed goes on
            subprocess.run([engine, "rm", "--force", name], capture_output=True, check=False)

    def _add(self, served: Served) -> Served:
        self._served.append(served)
        return served


def _plain(text: str) -> str:
    """Braces are no placeholders here."""
    return text.replace("{", "{{").replace("}", "}}")
