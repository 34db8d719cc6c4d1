"""`sockproof demo`: a chat server with three bugs, and how they are found and told.

The rules that hold here:

* Nothing is made up: what is shown is in the reports of `judge` and in the summary of `load`.
* `chat` and `visitors` run in processes of their own and are imported by nobody.
"""
