"""The Kaggle set, fetched through ``kagglehub`` where that is installed."""

from __future__ import annotations

import os
import shutil
import tempfile
from contextlib import suppress
from pathlib import Path

from exojax.errors import InputError

_HANDLE = "keplersmachines/kepler-labelled-time-series-data"
FILES = ("exoTrain.csv", "exoTest.csv")


def fetch(folder: Path) -> Path:
    """Put ``exoTrain.csv`` and ``exoTest.csv`` into ``folder`` (made if need be) and return it.

    Files that are there already are kept and nothing is downloaded when both are.

    Raises:
        InputError: without ``kagglehub``, a network, or a writable folder; it says which two files to put
            where.
    """
    if all((folder / name).is_file() for name in FILES):
        return folder
    try:
        import kagglehub

        fetched = Path(kagglehub.dataset_download(_HANDLE))
    except ImportError as error:
        raise _by_hand(folder, "kagglehub is not installed: pip install kagglehub") from error
    # Without a network, an account or the set itself, kagglehub and what it is built on raise as they please.
    except Exception as error:
        raise _by_hand(folder, str(error).partition("\n")[0][:90] or type(error).__name__) from error
    for name in FILES:
        if not (fetched / name).is_file():
            raise _by_hand(folder, f"the download holds no {name}")
        try:
            _copy(fetched / name, folder / name)
        except OSError as error:
            raise _by_hand(folder, f"the folder cannot be written: {error.strerror}") from error
    return folder


def _by_hand(folder: Path, reason: str) -> InputError:
    return InputError(
        f"{folder}: not downloaded ({reason}): get {FILES[0]} and {FILES[1]} from "
        f"https://www.kaggle.com/datasets/{_HANDLE} and put both into {folder.resolve()}"
    )


def _copy(source: Path, target: Path) -> None:
    if target.is_file():
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    descriptor, temporary = tempfile.mkstemp(dir=target.parent, suffix=".tmp")
    os.close(descriptor)
    try:
        shutil.copyfile(source, temporary)
        # mkstemp's file is its owner's alone; data in a shared folder should not be.
        os.chmod(temporary, 0o644)
        os.replace(temporary, target)
    except BaseException:
        with suppress(OSError):
            os.unlink(temporary)
        raise
