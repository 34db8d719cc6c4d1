"""`llms.txt`: the pages with a line each, for programs that read (llmstxt.org)."""

from __future__ import annotations

import re
from pathlib import Path

from docs.site.home import GROUPS

_PROSE = re.compile(r"^(?![#>|`*\[<!{-])\S.*$", re.MULTILINE)
_LINK = re.compile(r"!?\[([^\]]*)\]\([^)]*\)")


def write(source: Path, out: Path) -> None:
    """Write it beside the site's pages; `source` is what Sphinx read."""
    told = [
        "# sockproof\n",
        "> Conformance and load tests for WebSocket and Socket.IO servers, over the wire alone;"
        " every message of a load run is accounted for.\n",
    ]
    for caption, names in GROUPS.items():
        told.append(f"## {caption}\n")
        told += [_line(source / f"{name}.md", f"{name}.html") for name in names]
        told.append("")
    pages = sorted((source / "requirements").glob("*.md"))
    told.append("## Optional\n")
    told += [_line(page, f"requirements/{page.stem}.html") for page in pages]
    (out / "llms.txt").write_text("\n".join(told) + "\n", encoding="utf-8")


def _line(page: Path, address: str) -> str:
    text = page.read_text(encoding="utf-8")
    title = next(line[2:] for line in text.splitlines() if line.startswith("# "))
    quoted = re.search(r"^> (.*)$", text, re.MULTILINE)
    found = quoted[1] if quoted else _first(text.partition("\n# ")[2] or text)
    says = re.sub(r"&#(\d+);", lambda number: chr(int(number[1])), _LINK.sub(r"\1", found))
    return f"* [{title}]({address}): {says}" if says else f"* [{title}]({address})"


def _first(text: str) -> str:
    """The first sentence of the prose."""
    found = _PROSE.search(re.sub(r"```.*?```", "", text.partition("\n")[2], flags=re.DOTALL))
    return re.split(r"(?<=[.:])\s", found[0], maxsplit=1)[0] if found else ""
