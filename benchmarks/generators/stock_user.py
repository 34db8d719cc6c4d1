"""Locust's stock Socket.IO user, as its documentation shows it; GENERATOR_MODE says what it does.

`said` has two arguments, at which the stock user's handler fails with TypeError; here it gets the
second one, and so counts each receipt as it counts those of one argument.
"""

import os
from typing import Any

import gevent.event
from locust import events, task
from locust.contrib.socketio import SocketIOUser

MODE = os.environ["GENERATOR_MODE"]
BODY = "0123456789abcdef" * 4


class _Client(SocketIOUser):
    abstract = True

    def on_start(self) -> None:
        # Of the default, one second, it would give up while hundreds connect at once.
        self.sio.connect(self.host, transports=["websocket"], wait_timeout=60)

    def on_stop(self) -> None:
        self.sio.disconnect()


if MODE == "echo":

    class Echo(_Client):
        @task
        def ask(self) -> None:
            self.sio.call("message-with-ack", BODY)

elif MODE == "broadcast":

    class Hearer(_Client):
        def on_start(self) -> None:
            self.sio.on("said", self.hear)
            super().on_start()

        def hear(self, _room: None, body: str) -> None:
            self.sio.on_message("said", body)

        @task
        def wait(self) -> None:
            gevent.sleep(3600)

    class Speaker(_Client):
        fixed_count = 1

        def on_start(self) -> None:
            self.heard = gevent.event.Event()
            self.sio.on("said", self.hear)
            super().on_start()

        def hear(self, _room: None, body: str) -> None:
            self.sio.on_message("said", body)
            self.heard.set()

        @task
        def speak(self) -> None:
            self.heard.clear()
            self.sio.emit("say-all", BODY)
            self.heard.wait()

else:

    class Idler(_Client):
        @task
        def wait(self) -> None:
            gevent.sleep(3600)


@events.quitting.add_listener
def _report(environment: Any, **_: Any) -> None:
    """Print what Locust counted; each `call` is in its statistics twice, once of them as WSC."""
    counted = {
        "acknowledged": environment.stats.get("message-with-ack", "WSC").num_requests,
        "receipts": environment.stats.get("said", "WSR").num_requests,
    }
    print("{" + ",".join(f'"{name}":{value}' for name, value in counted.items()) + "}", flush=True)
