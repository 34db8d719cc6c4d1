"""Sphinx: MyST reads the pages as they stand in the repository, Furo shows them."""

import re
from typing import Any

from sockproof import __version__

project = "sockproof"
author = "the sockproof authors"
release = version = __version__
language = "en"

extensions = ["myst_parser"]
root_doc = "index"
source_suffix = {".md": "markdown"}
myst_heading_anchors = 3  # as GitHub makes them
myst_links_external_new_tab = False
nitpicky = True

html_theme = "furo"
html_title = f"sockproof {release}"
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_copy_source = False
html_show_sourcelink = False
html_show_sphinx = False
html_permalinks_icon = "#"
html_last_updated_fmt = None
html_use_index = False
html_show_copyright = False
smartquotes = False  # quotation marks stand around what was on the wire
highlight_language = "none"  # what names no language is no Python
pygments_style = "a11y-high-contrast-light"
pygments_dark_style = "a11y-high-contrast-dark"
html_theme_options = {"navigation_with_keys": False}

_OPTION = re.compile(r'<span class="pre">(-[\w-]{1,24}</span>)')


def fix(app: Any, page: str, template: str, context: dict[str, Any], tree: Any) -> None:
    """Levels for the headings of the contents, wide code by the keyboard, options in one piece."""
    del app, page, template, tree
    contents = context.get("furo_navigation_tree") or ""
    level = contents.replace('role="heading"', 'role="heading" aria-level="2"')
    context["furo_navigation_tree"] = level
    if "body" in context:
        body = context["body"].replace("<pre>", '<pre tabindex="0">')
        context["body"] = _OPTION.sub(r'<span class="pre whole">\1', body)


def setup(app: Any) -> None:
    """Behind Furo, which makes the contents."""
    app.connect("html-page-context", fix, priority=900)
