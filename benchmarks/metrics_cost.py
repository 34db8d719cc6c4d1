"""What it costs to tell the live numbers: `python benchmarks/metrics_cost.py [PAIRS] [page|otel]`.

Pairs of load runs in turn, ABBA: one as it is, one whose page is scraped every five seconds, or
whose numbers are exported over OTLP every ten, to a port that swallows them. Each sends as fast as
acknowledgements come. The figure is the ratio of CPU time of the load generator for each message,
from the first second of the run to the last: imports do not count.
"""

from __future__ import annotations

import http.server
import json
import math
import os
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from pathlib import Path

from sockproof.load.metrics.otlp import is_installed
from sockproof.shelves import shelf
from sockproof.targets.launch import free_port, launch
from sockproof.targets.spec import load_targets

SECONDS = 15
SCRAPE = 5  # seconds between two of them; Prometheus has 15 by default
USERS = 50
TARGET = "python-socketio-uvicorn"


class Swallow(http.server.BaseHTTPRequestHandler):
    """A collector that keeps nothing."""

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, format: str, *words: object) -> None:  # noqa: A002
        """Say nothing."""


def cost(url: str, how: str, collector: int) -> float:
    """Microseconds of the generator's CPU for each message of a run."""
    port = free_port()
    command = [sys.executable, "-m", "sockproof", "load", "echo", url, "--no-report"]
    command += ["--users", str(USERS), "--run-time", f"{SECONDS}s", "--rate", "0"]
    variables = {**os.environ, "OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf"}
    variables |= {"OTEL_TRACES_EXPORTER": "none", "OTEL_LOGS_EXPORTER": "none"}
    variables |= {"OTEL_EXPORTER_OTLP_ENDPOINT": f"http://127.0.0.1:{collector}"}
    command += {"page": ["--metrics-port", str(port)], "otel": ["--otel"], "": []}[how]
    with tempfile.TemporaryDirectory() as folder:
        silent = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        process = subprocess.Popen(
            [*command, "--results", folder],
            env=variables,
            **silent,  # type: ignore[call-overload]
        )
        while process.poll() is None:
            time.sleep(SCRAPE)
            if how == "page":
                try:
                    urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=5).read()
                except OSError:
                    continue
        (path,) = (Path(folder) / "latest-load").glob("health-*.jsonl")
        told = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    lines = [line for line in told if "cpu_s" in line]
    first, last = lines[0], lines[-1]
    return float((last["cpu_s"] - first["cpu_s"]) / (last["emitted"] - first["emitted"]) * 1e6)


def main() -> None:
    """Measure, and print the ratio of each pair and of all."""
    pairs = int(sys.argv[1]) if len(sys.argv) > 1 else 6
    how = sys.argv[2] if len(sys.argv) > 2 else "page"
    if how == "otel" and not is_installed():
        sys.exit("pip install 'sockproof[otel]'")
    ratios = []
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Swallow) as swallow:
        threading.Thread(target=swallow.serve_forever, daemon=True).start()
        with launch(load_targets(shelf("targets"))[TARGET]) as target:
            cost(target.url, "", swallow.server_port)  # to warm up
            for number in range(pairs):
                order = ("", how) if number % 2 else (how, "")
                found = {each: cost(target.url, each, swallow.server_port) for each in order}
                ratios.append(found[how] / found[""])
                print(f"{found['']:.1f} µs, told {found[how]:.1f} µs: {ratios[-1]:.4f}", flush=True)
        swallow.shutdown()
    middle = statistics.median(ratios)
    spread = statistics.stdev(ratios) / math.sqrt(pairs) if pairs > 1 else 0.0
    print(f"median {middle:.4f}, standard error {spread:.4f}, of {pairs} pairs")


if __name__ == "__main__":
    main()
