"""Who answers which paths: Autobahn's, ours for Socket.IO, and the page."""
