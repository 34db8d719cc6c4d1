"""A correct WebSocket client of our own, with faults and freedoms to switch on.

It was written from RFC 6455 and RFC 7692 and reads frames with code of its own. Each fault and each
freedom is a class that overrides a few of its methods, `client.py` puts them in front of it.
"""
