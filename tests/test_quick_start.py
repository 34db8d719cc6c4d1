"""`docs/quick-start.md`, typed line by line, gives what the page says."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

from sockproof.targets.launch import free_port
from tests.test_five_minutes import served, with_commands
from tests.waiting import LIMIT

ROOT = Path(__file__).parents[1]
_FENCED = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
PORT = "8765"


def blocks(kind: str) -> list[str]:
    text = (ROOT / "docs" / "quick-start.md").read_text(encoding="utf-8")
    return [block for name, block in _FENCED.findall(text) if name == kind]


def fixed(server: str, replacement: str) -> str:
    """The server with the function that the page replaces."""
    before, rest = server.split("async def echo", 1)
    return before + replacement + "\n\nasync def main" + rest.split("async def main", 1)[1]


def missing(told: str, shown: str) -> list[str]:
    """The lines of the page that the terminal does not show, times apart."""
    timeless = re.sub(r"\d+\.\d s", "… s", told)
    return [
        line
        for line in shown.splitlines()
        if line.strip() and re.sub(r"\d+\.\d s", "… s", line) not in timeless
    ]


def test_quick_start_gives_what_it_says(tmp_path: Path) -> None:
    port = free_port()
    folder, environment = tmp_path / "project", with_commands(tmp_path / "bin")
    folder.mkdir()
    server, replacement = blocks("python")
    begin, again = (block.splitlines() for block in blocks("sh"))
    assert begin[0] == again[1] == "python server.py 2> server.log &"
    assert begin[1:] == again[2:]
    shown = blocks("text")
    for source, code, text in ((server, 1, shown[0]), (fixed(server, replacement), 0, shown[1])):
        (folder / "server.py").write_text(source.replace(PORT, str(port)))
        with served(folder, port, environment):
            done = subprocess.run(
                ["bash", "-ec", begin[1].replace(PORT, str(port))],
                cwd=folder,
                env=environment | {"COLUMNS": "130"},
                capture_output=True,
                text=True,
                check=False,
                timeout=LIMIT,
            )
        assert done.returncode == code, done.stdout + done.stderr
        assert missing(done.stdout.replace(str(port), PORT), text) == []
    assert missing("47 PASS in 0.8 s", "48 PASS in 0.9 s")
