"""Pages and lines made from a report; pure but for the terminal.

Everything in a report that a server sent is hostile. `text.visible` makes control characters
harmless, and each format escapes what has a meaning in it.
"""
