"""Echo round trips over plain WebSocket."""

from sockproof.load.users import WebSocketUser, paced

TARGET = "websockets"


class Raw(WebSocketUser):
    rate = 0

    @paced
    def ask(self) -> None:
        self.tell()
