"""Serves a WSGI application on Werkzeug, a thread for each request: MODULE:APP FOLDER PORT.

A thread of its own for each is what Flask-SocketIO's `async_mode="threading"` is made for.
"""

from __future__ import annotations

import importlib
import logging
import sys

from werkzeug.serving import run_simple


def main(app: str, folder: str, port: str) -> None:
    """Serve until SIGTERM."""
    sys.path.insert(0, folder)
    module, _, name = app.partition(":")
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    application = getattr(importlib.import_module(module), name or "app")
    run_simple("127.0.0.1", int(port), application, threaded=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
