"""What stands in a message in the place of what is put in when it is sent."""

from __future__ import annotations


class Body:
    """Where the body goes."""

    def __init__(self, binary: bool) -> None:
        self.binary = binary


class Number:
    """Where a message's own number goes, by which its acknowledgement is known."""

    def __init__(self, quoted: bool) -> None:
        self.quoted = quoted


BODY = Body(False)  # as a string
BINARY_BODY = Body(True)  # as octets; in Socket.IO as an attachment
NUMBER = Number(False)  # as a number, of at most 31 bits
ID = Number(True)  # the same number as a string
