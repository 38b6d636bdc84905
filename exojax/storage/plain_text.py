"""Escape text from data files for terminals, CSV, Markdown and shared pages.

Anybody may have written the name of a star in a file. On a terminal it must not move the cursor, in a spreadsheet it
must not be a formula, and in a page it must not be markup.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

_FORMULA = ("=", "+", "-", "@")
_PATH = re.compile(r"(?<![^\s'\"(=:,])/(?:[^/\s]+/)+[^/\s:,;)'\"]*")
_MARKUP = re.compile(r"([\\`*_{}\[\]<>|~#$!])")


def plain(text: str) -> str:
    """Return a text with escapes such as ``\\x1b`` in place of all characters that a terminal cannot print.

    These are control characters, line breaks, marks of the direction of writing, and bytes that are not UTF-8.
    """
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def csv_cell(value: Any) -> Any:
    """Return a cell of a CSV; a text that a spreadsheet would read as a formula gets an apostrophe in front.

    Numbers, and texts that are numbers such as ``-3.5``, stay unchanged.
    """
    if not isinstance(value, str):
        return value
    text = plain(value)
    return f"'{text}" if text.startswith(_FORMULA) and not _is_number(text) else text


def markdown(text: Any) -> str:
    """Return a text on one line with escapes, which Markdown renders as the given text."""
    return _MARKUP.sub(r"\\\1", plain(str(text)))


def shared_path(path: str | Path) -> str:
    """Return a path for a page that is shared with others, without private folders.

    A path below the home folder begins with ``~``; of another absolute path only the last part is returned; a relative
    path stays unchanged.
    """
    text = str(path)
    if not Path(text).is_absolute():
        return text
    try:
        return f"~/{Path(text).relative_to(Path.home())}"
    except (ValueError, RuntimeError):  # elsewhere, or there is no home
        return Path(text).name or text


def shared(value: Any) -> Any:
    """Return a value with all paths in its texts replaced by :func:`shared_path`, also in lists and dictionaries."""
    if isinstance(value, str):
        if "/" not in value:
            return value
        with contextlib.suppress(RuntimeError):  # there is no home
            value = value.replace(f"{Path.home()}/", "~/")
        return _PATH.sub(lambda found: shared_path(found[0]), value)
    if isinstance(value, Mapping):
        return {key: shared(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [shared(item) for item in value]
    return value


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
