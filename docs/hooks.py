"""Hooks of MkDocs, named in ``mkdocs.yml``: the version on every page, and ``benchmarks/RESULTS.md`` as a page."""

from __future__ import annotations

from pathlib import Path

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

import exojax

BENCHMARKS = Path(__file__).parents[1] / "benchmarks"
PAGE = "development/results.md"


def on_config(config: MkDocsConfig) -> MkDocsConfig:
    """Write the version of the package at the foot of every page."""
    config.copyright = f"exojax {exojax.__version__}"
    return config


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
