"""What the documents let a client do: classes that are put in front of the correct one."""

from tests.clients.raw_websocket.freedoms import closing, deflate, frames, request, response

__all__ = ["closing", "deflate", "frames", "request", "response"]
