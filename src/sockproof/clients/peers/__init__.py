"""Our end of a WebSocket that a client opened, and what several case files check with."""
