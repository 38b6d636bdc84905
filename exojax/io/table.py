"""Read a text table of one star as one segment of a light curve."""

from __future__ import annotations

import hashlib
import re
from functools import partial
from pathlib import Path

from exojax.errors import InputError
from exojax.io import header, identity, text
from exojax.io.columns import NOTHING_STATED, Column, Stated, Table, measured
from exojax.io.segment import Segment, make
from exojax.storage import open_file

_LAYOUT = "two columns or more of numbers: time in days, flux"


def read(path: Path, stated: Stated = NOTHING_STATED) -> Segment:
    """Read the table of one star: plain, gzipped or the only file of a zip archive, with any separator.

    :mod:`exojax.io.columns` recognises time, flux, error and quality by the header. In a table without a header, time
    and flux are the first two columns. The rows may be in any order. The id of the star is the catalogue number in the
    header, in the file's name (``EPIC201367065.csv``) or in a column, else the file's stem.

    Args:
        path: the file.
        stated: units and clock stated by the user.

    Returns:
        The segment, with float64 time.

    Raises:
        InputError: the file is missing, empty, damaged, too large or no table; a cell is no number; there is no column
            of times or of flux; a unit cannot be decided; or there are too few measurements. The message names the
            line.
    """
    raw = open_file.content(path, text.LARGEST)
    if not raw.strip():
        raise InputError(f"{path}: is empty: give {_LAYOUT}")
    return segment(path, text.decoded(raw, path), hashlib.sha256(raw).hexdigest(), stated)


def segment(path: Path, content: str, sha256: str, stated: Stated = NOTHING_STATED) -> Segment:
    """Return the segment of a decoded table; see :func:`read`."""
    cells = text.parse(content, path)
    width = len(cells.rows[0])
    if width < 2:
        raise InputError(f"{path}: line {cells.lines[0]} has one value: give {_LAYOUT}")
    names = cells.names
    if names is None:
        names = ["time", "flux", *(f"column {n + 1}" for n in range(2, width))]
    columns = [
        Column(name.strip("\"' "), unit, partial(cells.values, k), partial(cells.text, k))
        for k, (name, unit) in enumerate(zip(names, cells.units))
    ]
    named = header.star(cells.header, path)
    catalogue = named[1]
    found = measured(
        Table(path, columns, cells.header, cells.names is not None),
        header.mission(cells.header) or _mission(catalogue),
        catalogue,
        stated,
    )
    if found.star and not named[2]:
        number = identity.number_in(found.star)
        named = found.star, identity.of_number(number, "") if number else "", True
    return make(path, found, star=named, sha256=sha256, counts=True)


def _mission(catalogue: str) -> str:
    return {"KIC": "Kepler", "EPIC": "Kepler"}.get(catalogue, "")


def holds_one_star(path: Path) -> bool:
    """Return whether a CSV is a table of one star; Kaggle's layout (``LABEL, FLUX.1, ...``) has one star per line.

    Raises:
        InputError: the file cannot be opened.
    """
    with open_file.text(path) as stream:
        return re.search(rb"\bFLUX\.1\b", stream.readline(1 << 20), re.IGNORECASE) is None
