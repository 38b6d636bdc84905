"""Files written in one step; JSON read back with words for what is wrong, compared when work goes on."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from exojax.errors import InputError


@contextmanager
def written_in_one_step(path: Path) -> Iterator[IO[str]]:
    """Open a text file beside ``path`` and move it there at the end: a reader sees the old file or the new, never half.

    For files that are too long to be held in memory; nothing is left where an error ends it.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    # Of one name, so that what a kill has left is written over by the next call.
    partial = path.with_name(f".{path.name}.partial")
    try:
        with partial.open("w", encoding="utf-8", newline="") as stream:
            yield stream
        os.replace(partial, path)
    except BaseException:
        partial.unlink(missing_ok=True)
        raise


def write_json(path: Path, value: Any) -> None:
    """Write JSON in one step, indented, with a final newline."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_suffix(path.suffix + ".partial")
    partial.write_text(json.dumps(value, indent=1, allow_nan=False) + "\n")
    os.replace(partial, path)


def read_json(path: Path, *, remedy: str = "mend it, or train again with --fresh") -> dict[str, Any]:
    """A JSON object.

    Args:
        path: the file.
        remedy: what to do where it is damaged, for the message.

    Raises:
        InputError: the file is missing, damaged, or holds something else.
    """
    try:
        value = json.loads(path.read_text())
    except (OSError, ValueError) as error:
        raise InputError(f"{path}: cannot be read as JSON ({error}); {remedy}") from None
    if not isinstance(value, dict):
        raise InputError(f"{path}: holds no JSON object; {remedy}")
    return value


def check_same(path: Path, wanted: dict[str, Any], what: str) -> None:
    """Write the settings of resumable work, or compare them with those that are there.

    Args:
        path: the file, in a folder of the work's parts below its ``--out``.
        wanted: the settings, as JSON gives them back.
        what: ``comparison``, ``experiment``, ...

    Raises:
        InputError: the work was begun with others; the differences are named. Or it was begun by another version, whose
            ``sources`` differ.
    """
    if not path.exists():
        write_json(path, wanted)
        return
    before = read_json(path, remedy="give another --out")
    if before.get("sources") != wanted.get("sources"):
        raise InputError(
            f"{path.parent.parent}: holds the parts of another version's {what}, which this one does not mix with its "
            f"own; give another --out"
        )
    changed = [f"{k}: {before.get(k)} -> {v}" for k, v in wanted.items() if before.get(k) != v]
    if changed:
        raise InputError(f"{path.parent.parent}: holds another {what} ({'; '.join(changed)}); give another --out")
