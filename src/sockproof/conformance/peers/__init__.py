"""Our end of a TCP stream, an HTTP exchange and a WebSocket."""
