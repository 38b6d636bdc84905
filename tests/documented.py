"""Read what the reference pages explain, to compare it with what the commands write."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from pathlib import Path

REFERENCE = Path(__file__).parents[1] / "docs/reference"


def explained(page: str, heading: str) -> set[str]:
    """Return the names in code marks of one section of a page of ``docs/reference``.

    Args:
        page: ``columns`` or ``files``.
        heading: of the section, without code marks.
    """
    sections = re.split(r"^## (.*)$", (REFERENCE / f"{page}.md").read_text(), flags=re.M)
    texts = {name.replace("`", ""): text for name, text in zip(sections[1::2], sections[2::2])}
    return set(re.findall(r"`([^`\n]+)`", texts[heading]))


def assert_columns_explained(path: Path, *, but: Iterable[str] = ()) -> None:
    """Assert that each column of a CSV file, or each key of a JSON file, stands in its section of the page of columns.

    Args:
        path: the file, whose name is the section's heading.
        but: columns whose names depend on the user's settings.
    """
    if path.suffix == ".json":
        names = list(json.loads(path.read_text()))
    else:
        names = path.read_text().splitlines()[0].split(",")
    unknown = set(names) - explained("columns", path.name) - set(but) - {"crc32"}
    assert not unknown, f"docs/reference/columns.md, section {path.name}: {sorted(unknown)}"


def assert_files_explained(folder: Path, heading: str) -> None:
    """Assert that each file and folder in ``folder`` stands in a section of the page of files; folders end in ``/``."""
    names = {path.name + "/" * path.is_dir() for path in folder.iterdir()}
    unknown = names - explained("files", heading)
    assert not unknown, f"docs/reference/files.md, section {heading}: {sorted(unknown)}"
