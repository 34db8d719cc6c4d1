"""What the drivers of python-socketio's clients share: the next case, and reports in order."""

import json
import os
import queue
import threading

import requests

URL = os.environ["SOCKPROOF_URL"]
AGENT = os.environ["SOCKPROOF_AGENT"]
_REPORTS = queue.SimpleQueue()


def options(told):
    """What `connect` is given in every client, as the case has it."""
    return {
        "auth": told["auth"],
        "transports": told["transports"],
        "socketio_path": told["path"],
        "wait_timeout": told["timeout_ms"] / 1000,
    }


def unpacked(asked):
    """What the server asks for, with octets as Python has them."""

    def octets(value):
        return bytes(value["$bin"]) if value.keys() == {"$bin"} else value

    return json.loads(json.dumps(asked), object_hook=octets)


def listed(answer):
    """The arguments of an acknowledgement: `call` gives none as None, and one as it is."""
    return answer if isinstance(answer, tuple) else () if answer is None else (answer,)


def report(case, kind, **fields):
    """Report one thing that the application was told, behind those before it."""
    said = json.dumps({"type": kind, **fields}, default=lambda octets: {"$bin": list(octets)})
    _REPORTS.put(({"agent": AGENT, "case": case}, said))


def _post():
    with requests.Session() as session:
        while True:
            where, said = _REPORTS.get()
            session.post(f"{URL}/seen", params=where, data=said, timeout=60)


def aside(work):
    """Do it in a thread which may wait for a server as long as it likes."""
    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    return thread


def next_case():
    """What the server tells of the next case; behind the last, the process ends."""
    said = requests.get(f"{URL}/next", params={"agent": AGENT}, timeout=None)
    said.raise_for_status()
    if said.status_code == 204:
        os._exit(0)  # whatever threads and tasks the last client has
    return said.json()


aside(_post)
