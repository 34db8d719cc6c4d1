"""`python -m docs.site.build OUT` builds the documentation; a warning, as a dead link, fails it.

Sphinx reads a folder that is laid out as the repository is, so that the links between pages lead
where they do there: the pages that exist, and the generated ones beside them.
"""

from __future__ import annotations

import gc
import re
import shutil
import sys
import tempfile
from collections.abc import Container
from pathlib import Path

from docs.site import catalogue, clients, home, llms, reference, requirements, suites
from sphinx.application import Sphinx
from sphinx.util.docutils import docutils_namespace, patch_docutils

ROOT = Path(__file__).resolve().parents[2]
SPHINX = Path(__file__).parent / "sphinx"
PAGES = (
    *("README.md", "ARCHITECTURE.md", "CHANGELOG.md", "CONTRIBUTING.md", "SECURITY.md"),
    *("conformance/TARGET.md", "examples/README.md"),
)
_OWN = re.compile(r"\[([^\]]+)\]\((?:\.\./)?(?:requirements/)?([\w.-]+)\.md\)")
_LINK = re.compile(r"\]\(([^)\s#]+)(#[^)\s]*)?\)")


def build(out: Path, quiet: bool = True, chosen: Container[str] | None = None) -> None:
    """Write the site to the folder; a warning is an error, which ends the process.

    Of the requirements' pages those that are `chosen`, or all.
    """
    gc.set_threshold(50_000, 50, 50)  # documents are trees, and the default walks them in vain
    with tempfile.TemporaryDirectory(prefix="sockproof-docs-") as name:
        source = Path(name, "source")
        lay_out(source, chosen)
        with patch_docutils(), docutils_namespace():
            app = Sphinx(
                source,
                source,
                out,
                Path(name, "doctrees"),
                "html",
                status=None if quiet else sys.stdout,
                warning=sys.stderr,
                warningiserror=True,
                exception_on_warning=False,
            )
            app.build()
        if app.statuscode:
            raise SystemExit(app.statuscode)
        llms.write(source, out)


def lay_out(source: Path, chosen: Container[str] | None = None) -> None:
    """The folder that Sphinx reads."""
    for path in (*(ROOT / each for each in PAGES), *ROOT.glob("docs/*.md")):
        copied(path, source)
    shutil.copy(SPHINX / "conf.py", source / "conf.py")
    (source / "_static").mkdir()
    shutil.copy(SPHINX / "site.css", source / "_static" / "site.css")
    generated = pages()
    if chosen is not None:
        every = (*catalogue.requirements(), *clients.requirements())
        left_out = {name for name in every if name not in chosen}
        generated = {
            place: _OWN.sub(lambda found: found[1] if found[2] in left_out else found[0], text)
            for place, text in generated.items()
            if Path(place).stem not in left_out
        }
    for name, text in generated.items():
        place = source / name
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(text, encoding="utf-8")


def pages() -> dict[str, str]:
    """What is generated, by its place."""
    return (
        requirements.pages() | clients.pages() | suites.pages() | reference.pages() | home.pages()
    )


def copied(path: Path, source: Path) -> None:
    """A page of the repository, and the files that it links which are no pages."""
    text = path.read_text(encoding="utf-8")
    place = source / path.relative_to(ROOT)
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_text(_LINK.sub(lambda found: _led(found, path), text), encoding="utf-8")
    for link, _ in _LINK.findall(text):
        linked = (path.parent / link).resolve()
        if linked.is_file() and linked.suffix != ".md":
            there = source / linked.relative_to(ROOT)
            there.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(linked, there)


def _led(found: re.Match[str], path: Path) -> str:
    """A link, that of a folder leading to its README."""
    linked = path.parent / found[1]
    if linked.is_dir() and (linked / "README.md").exists():
        return f"]({found[1].rstrip('/')}/README.md{found[2] or ''})"
    return found[0]


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("usage: python -m docs.site.build OUT")
    build(Path(sys.argv[1]), quiet=False)
