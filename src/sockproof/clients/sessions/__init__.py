"""Our end of what a Socket.IO client opens: requests, Engine.IO sessions, Socket.IO above them."""
