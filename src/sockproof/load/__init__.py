"""Load: thousands of connections of real users' behaviour in one process, on gevent's event loop.

The rules that hold here:

* No greenlet and no thread waits for a lean connection: io watchers of gevent's hub call back.
  Whatever is called from there must not block and must not switch greenlets.
* What the world does wrong ends a connection with a `Reason` and one line of text; it never
  becomes an exception in the hub.
* An idle connection keeps no buffer, no timer and no greenlet of its own.
"""
