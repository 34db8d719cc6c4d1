"""A client and a server that talk to each other through us, and which of them breaks what."""
