"""The server under test, and how a case connects to it."""
