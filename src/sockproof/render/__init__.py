"""Pages and lines made from a report; pure but for the terminal.

Everything in a report that a server sent is hostile. `text.visible` makes control characters
harmless, and each format escapes what has a meaning in it.
"""

import logging

# It says on stderr that a home cannot be written to, and uses a temporary folder; or that it looks
# for fonts. Neither is for whoever has asked for a report.
logging.getLogger("matplotlib").setLevel(logging.ERROR)
