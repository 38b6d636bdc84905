"""Named arrays in one file: written in one step, read back with their checksums, never unpickled."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from exojax.errors import InputError


def save_arrays(path: Path, arrays: Mapping[str, np.ndarray]) -> None:
    """Write named arrays as an ``.npz``, in one step. The zip format carries a CRC-32 of each."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial_file = path.with_suffix(".partial")
    with partial_file.open("wb") as stream:
        np.savez(stream, allow_pickle=False, **arrays)
    os.replace(partial_file, path)


def load_arrays(path: Path) -> dict[str, np.ndarray]:
    """Read them back, checksums verified, nothing unpickled.

    Raises:
        InputError: the file is missing or damaged.
    """
    try:
        with path.open("rb") as stream, np.load(stream, allow_pickle=False) as stored:
            return {name: stored[name] for name in stored.files}
    except FileNotFoundError:
        raise InputError(f"{path}: missing; train the run first") from None
    except Exception as error:  # a damaged zip fails in a dozen ways
        raise InputError(f"{path}: damaged ({error}); train again with --fresh") from None
