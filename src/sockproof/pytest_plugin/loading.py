"""A load run as tests ask for it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec
import pytest

from sockproof.formats.load import Summary
from sockproof.pytest_plugin.processes import Failed, call
from sockproof.pytest_plugin.serving import Served


def load(scenario: str, folder: Path, target: Served, more: Mapping[str, Any]) -> Summary:
    """Run a scenario: a name on the shelf, or a locustfile beside the test.

    A run that could not be made fails the test.
    """
    own = folder / scenario
    named = str(own) if own.suffix == ".py" else scenario
    url = target.url
    arguments = {"scenario": named, "url": url, "target_pid": target.pid, **more}
    try:
        return msgspec.json.decode(call("load", arguments), type=Summary)
    except Failed as error:
        pytest.fail(str(error), pytrace=False)
