"""Codecs: octets in, values out, and back. No input, no output, no clock.

Each module is one layer of the wire: `http`, `websocket`, `deflate`, `engineio`, `socketio`.
Whatever a module is given, it raises nothing but `WireError`, `TooBig` among them.
"""


class WireError(ValueError):
    """Octets or text that the protocol does not allow; the message says which and why."""


class TooBig(WireError):
    """More than the reader was told to take."""
