"""What the claims on the shelf `study/` measure with: real clients, a relay that counts what goes
through it, and targets that are started for them.

Each claim is a file there. Its `measure(bench)` asks real servers and gives plain numbers, its
`conclude(found)` says what they come to, its `draw(found)` draws them.
"""

from sockproof.study.bench import Bench, NotMeasured, median_seconds
from sockproof.study.claim import Conclusion, Verdict
from sockproof.study.clients import HttpClient, SocketIOClient, WebSocketClient
from sockproof.study.relay import Octets, Relay

__all__ = [
    "Bench",
    "Conclusion",
    "HttpClient",
    "NotMeasured",
    "Octets",
    "Relay",
    "SocketIOClient",
    "Verdict",
    "WebSocketClient",
    "median_seconds",
]
