"""Real clients (python-socketio, websocket-client) in the place of the lean connection."""
