"""Runs of cases and of load as values: a plan is carried out, and what comes of it is returned.

The commands are thin over this room, and `sockproof.judge` and `sockproof.load` are its functions.

The rules that hold here:

* Nothing is printed and the interpreter is never left: who calls says where lines go.
* What goes wrong is one of `sockproof.errors`.
"""
