"""Our end of an Engine.IO session and of a Socket.IO namespace."""
