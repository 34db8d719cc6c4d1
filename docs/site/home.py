"""The first page, and with it the order of all others."""

from __future__ import annotations

GROUPS = {
    "Begin": ("docs/quick-start", "docs/reading-reports", "README"),
    "Tasks": (
        *("docs/conformance", "docs/clients", "docs/expectations"),
        *("docs/load", "docs/scenarios", "docs/gates"),
        *("docs/ci", "docs/pytest", "docs/capacity", "docs/comparing"),
        *("docs/many-machines", "docs/performance"),
        *(
            "docs/servers",
            "docs/results-site",
            "docs/from-autobahn",
            "docs/from-artillery",
            "docs/from-k6",
        ),
    ),
    "Requirements": (
        *("requirements/index", "suites/index", "requirements/clients/index"),
        *("docs/rooms", "docs/trophies"),
    ),
    "Explanations": ("docs/how-it-knows", "docs/hostile-servers", "ARCHITECTURE"),
    "Reference": (
        *("reference/commands", "docs/configuration", "docs/files", "reference/schemas"),
        *("reference/metrics", "docs/python-api", "reference/python", "conformance/TARGET"),
    ),
    "Project": ("CONTRIBUTING", "CHANGELOG", "SECURITY", "examples/README"),
}
_TEXT = """\
# sockproof

sockproof tests WebSocket and Socket.IO servers, in any language, over the wire alone. It checks
whether a server follows the standards, and loads it while accounting for every single message.
It checks client libraries, too.

```sh
uvx sockproof demo
```

* [Quick start](docs/quick-start.md): five minutes, from an installation to a verdict
* [Is my server right?](docs/conformance.md) · [Is my client right?](docs/clients.md)
* [How many users can it take?](docs/load.md)
* [Put it into CI](docs/ci.md) · [Is it slower than before?](docs/comparing.md)
* [All requirements](requirements/index.md), with examples of violations and how they are fixed
* [Faults of well-known servers](docs/trophies.md)
"""


def _entry(name: str) -> str:
    return "Overview <README>" if name == "README" else name


def pages() -> dict[str, str]:
    """The first page."""
    trees = [
        f"```{{toctree}}\n:hidden:\n:caption: {caption}\n:maxdepth: 1\n\n"
        + "\n".join(map(_entry, each))
        + "\n```"
        for caption, each in GROUPS.items()
    ]
    return {"index.md": "\n\n".join([_TEXT, *trees]) + "\n"}
