"""Lean connections: TCP and TLS streams, HTTP, and WebSockets, as callbacks in gevent's hub."""
