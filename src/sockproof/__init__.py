"""sockproof tells whether a WebSocket or Socket.IO server is right and how far it carries."""

__version__ = "0.1.0"
