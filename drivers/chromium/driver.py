"""A page in headless Chromium, which drives what a browser has; the program serves its files.

`driver.py FOLDER [NAME=FILE …]`: the page is FOLDER's page.html, and it finds the others beside it.
"""

import http.server
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import urllib.parse
from pathlib import Path

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
# The page is of another origin than the server, which is judged without CORS.
OPTIONS = (
    *("--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-sync"),
    *("--disable-background-networking", "--disable-component-update", "--disable-extensions"),
    *("--disable-web-security", "--disable-background-timer-throttling", "--disable-dev-shm-usage"),
    *("--no-proxy-server", "--disable-quic"),
)
FILES = {"page.html": Path(sys.argv[1]) / "page.html"}
FILES |= {name: Path(file) for name, _, file in (word.partition("=") for word in sys.argv[2:])}
ENDED = threading.Event()
CODE = [1]


class Pages(http.server.BaseHTTPRequestHandler):
    """Serves the page, and hears that it is done."""

    def do_GET(self):
        """Answer with one of the files."""
        file = FILES.get(self.path.partition("?")[0].lstrip("/"))
        self.send_response(200 if file else 404)
        kind = "text/html" if file and file.suffix == ".html" else "text/javascript"
        self.send_header("Content-Type", f"{kind}; charset=utf-8")
        self.end_headers()
        self.wfile.write(file.read_bytes() if file else b"")

    def do_POST(self):
        """Hear how the page ended."""
        said = self.rfile.read(int(self.headers["Content-Length"])).decode()
        CODE[0] = 0 if said == "done" else 1
        print(said, file=sys.stderr)
        self.send_response(200)
        self.end_headers()
        ENDED.set()

    def log_message(self, *_):
        """Say nothing of each request."""


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Pages)
threading.Thread(target=server.serve_forever, daemon=True).start()
signal.signal(signal.SIGTERM, lambda *_: ENDED.set())
browser = next(path for path in map(shutil.which, BROWSERS) if path)
with tempfile.TemporaryDirectory(prefix="sockproof-", ignore_cleanup_errors=True) as profile:
    told = {"url": os.environ["SOCKPROOF_URL"], "agent": os.environ["SOCKPROOF_AGENT"]}
    page = f"http://127.0.0.1:{server.server_port}/page.html?{urllib.parse.urlencode(told)}"
    process = subprocess.Popen(
        [browser, *OPTIONS, f"--user-data-dir={profile}", page],
        env={**os.environ, "TMPDIR": profile},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    while not ENDED.wait(0.2) and process.poll() is None:
        pass
    process.terminate()
    process.wait()
os._exit(CODE[0])
