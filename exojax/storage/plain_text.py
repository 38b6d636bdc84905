"""Make text from data harmless where it leaves: in terminals, CSV, Markdown, and in pages that are passed on.

A star's name comes from a file that anybody may have written. On a terminal it must not move the cursor, in a
spreadsheet it must not be a formula, in a page it must not be markup.
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
    """Return a text with every character that a terminal would obey, or could not print, as its escape ``\\x1b``.

    Control characters, line breaks, marks that turn the direction of writing, and bytes that are no UTF-8.
    """
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def csv_cell(value: Any) -> Any:
    """Return a cell of a CSV: a text that a spreadsheet would take for a formula gets an apostrophe before it.

    Numbers, and texts that are numbers, stay as they are: ``-3.5`` is no formula.
    """
    if not isinstance(value, str):
        return value
    text = plain(value)
    return f"'{text}" if text.startswith(_FORMULA) and not _is_number(text) else text


def markdown(text: Any) -> str:
    """Return a text that Markdown shows as it is, on one line."""
    return _MARKUP.sub(r"\\\1", plain(str(text)))


def shared_path(path: str | Path) -> str:
    """Return a path as a page that is passed on names it, without the folders of the person who made it.

    Below the home folder it begins with ``~``; another absolute path is its last part; a relative one stays.
    """
    text = str(path)
    if not Path(text).is_absolute():
        return text
    try:
        return f"~/{Path(text).relative_to(Path.home())}"
    except (ValueError, RuntimeError):  # elsewhere, or there is no home
        return Path(text).name or text


def shared(value: Any) -> Any:
    """Return a text, or all texts of nested lists and dictionaries, its paths as :func:`shared_path` has them."""
    if isinstance(value, str):
        if "/" not in value:
            return value
        with contextlib.suppress(RuntimeError):  # there is no home
            value = value.replace(f"{Path.home()}/", "~/")
        return _PATH.sub(lambda found: shared_path(found[0]), value)
    if isinstance(value, Mapping):
        return {key: shared(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [shared(one) for one in value]
    return value


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
