"""Real clients with one method, `echo`: HTTP by requests, WebSocket by websocket-client, Socket.IO
by python-socketio. These take their time to import: who opens a client imports what it is made of.
"""

from __future__ import annotations

import threading
from typing import Any, Protocol, Self
from urllib.parse import urljoin

SECONDS = 20.0  # for each answer
LEAVING = 0.2  # seconds to wait for a Socket.IO connection to end


class Client(Protocol):
    """Sends text or octets to the server and gives what comes back."""

    def echo(self, payload: str | bytes) -> str | bytes: ...


class _Closing:
    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def close(self) -> None:
        raise NotImplementedError


class HttpClient(_Closing):
    """A POST for each message, over one connection that is kept alive, or a new one each time."""

    def __init__(
        self, url: str, path: str = "/echo", session: bool = False, keep_alive: bool = True
    ) -> None:
        import requests

        self._url = urljoin(url, path)
        self._http = requests.Session()
        self._http.trust_env = False  # no proxy of the machine's between
        if session:
            self._http.post(urljoin(url, "/login"), timeout=SECONDS).raise_for_status()
        if not keep_alive:
            self._http.headers["Connection"] = "close"

    @property
    def cookie(self) -> str:
        """The value of the Cookie field that each request carries; empty without a session."""
        return "; ".join(f"{each.name}={each.value}" for each in self._http.cookies)

    def echo(self, payload: str | bytes) -> bytes:
        """The body of the answer."""
        body = payload.encode() if isinstance(payload, str) else payload
        answer = self._http.post(self._url, data=body, timeout=SECONDS)
        answer.raise_for_status()
        return answer.content

    def close(self) -> None:
        """Let go of the connection."""
        self._http.close()


class WebSocketClient(_Closing):
    """A message each way, over one connection."""

    def __init__(self, url: str, path: str = "/ws", cookie: str | None = None) -> None:
        import websocket

        self.connection = websocket.create_connection(
            urljoin(url, path).replace("http", "ws", 1), timeout=SECONDS, cookie=cookie
        )

    def __exit__(self, *error: object) -> None:
        if error[0] is not None:  # in the middle of a frame, perhaps, where no Close would be heard
            self.connection.abort()  # type: ignore[no-untyped-call]
        super().__exit__(*error)

    def echo(self, payload: str | bytes) -> str | bytes:
        """The next message that comes."""
        if isinstance(payload, str):
            self.connection.send(payload)
        else:
            self.connection.send_binary(payload)
        answer: str | bytes = self.connection.recv()
        return answer

    def close(self) -> None:
        """With a closing handshake."""
        self.connection.close()


class SocketIOClient(_Closing):
    """An event and its acknowledgement; `transports` as python-socketio has them, None for both."""

    def __init__(
        self,
        url: str,
        transports: list[str] | None = None,
        event: str = "echo",
        compressed: bool = True,
    ) -> None:
        import requests
        import socketio

        http = requests.Session()
        http.trust_env = False
        if not compressed:  # long-polling's answers are, where the client lets them
            http.headers["Accept-Encoding"] = "identity"
        self.socket = socketio.Client(reconnection=False, http_session=http)
        self._event = event
        self.socket.connect(url, transports=transports, wait_timeout=SECONDS)

    @property
    def transport(self) -> str:
        """`websocket` or `polling`: what it has come to."""
        return str(self.socket.transport())

    def echo(self, payload: Any) -> Any:
        """What the acknowledgement carries."""
        return self.socket.call(self._event, payload, timeout=SECONDS)

    def close(self) -> None:
        """Leave, and wait until the connection is gone, but not for long.

        python-socketio's client waits for its last GET, which its server may leave unanswered until
        the next ping.
        """
        leaving = threading.Thread(target=self.socket.disconnect, daemon=True)
        leaving.start()
        leaving.join(LEAVING)
