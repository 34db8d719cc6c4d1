"""Help in colours, which only a terminal gets."""

from __future__ import annotations

from rich_argparse import RawDescriptionRichHelpFormatter

from sockproof.cli.arguments import Formatter


class ColouredFormatter(Formatter, RawDescriptionRichHelpFormatter):
    """The same help; brackets in it are text."""

    group_name_formatter = str
    text_markup = False
    help_markup = False
