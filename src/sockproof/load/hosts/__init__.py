"""Workers on hosts that share nothing with the master, neither files nor clocks.

The rules that hold here:

* A worker writes its rows to its own disk, as ever. A process of its own, the sender, reads them
  there and sends them to one beside the master, the receiver: the generator itself does nothing
  more for a message. Where the worker sees the master's folder, none of this happens.
* The disk is what holds back: the sender waits for the answer to each piece, so a slow network or
  a host that is cut off costs nobody anything. Who comes back goes on where the receiver stands.
* The other end is distrusted. Both prove that they know a key that the master gives to its workers
  over Locust's channel; every frame carries a code of that key, and has a bound, and so has
  whatever is unpacked. A receiver writes files of known names alone, and only behind their end.
* What is sent of rows is what its process has told the checksum of; whole files are compared by
  theirs at the end.
* Clocks are compared over a connection of their own, so that no piece of a file is before them.
"""
