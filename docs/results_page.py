"""Show ``benchmarks/RESULTS.md`` and its pictures on the site: a hook of MkDocs, named in ``mkdocs.yml``."""

from __future__ import annotations

from pathlib import Path

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

BENCHMARKS = Path(__file__).parents[1] / "benchmarks"
PAGE = "development/results.md"


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the pictures of the measurements to the files of the site."""
    for path in sorted((BENCHMARKS / "images").glob("*.png")):
        files.append(File.generated(config, f"development/images/{path.name}", abs_src_path=str(path)))
    return files


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Return the measurements in place of the page that stands for them, links from the site's folder."""
    if page.file.src_uri != PAGE:
        return markdown
    return (BENCHMARKS / "RESULTS.md").read_text().replace("](../docs/", "](../")
