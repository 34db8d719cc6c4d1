"""A correct Socket.IO client of our own, with faults and freedoms to switch on.

It was written from the protocols of Engine.IO (revision 4) and Socket.IO (revision 5) and from the
documentation of Socket.IO for clients, with packets and HTTP of its own. At each place where it
could do otherwise it asks a switch; `tests/clients/mutants` and `tests/clients/freedoms` say what
each switch does.
"""
