"""Download the Kaggle set with ``kagglehub``."""

from __future__ import annotations

import os
import shutil
import tempfile
from contextlib import suppress
from pathlib import Path

from exojax.errors import InputError

_HANDLE = "keplersmachines/kepler-labelled-time-series-data"
FILES = ("exoTrain.csv", "exoTest.csv")
"""names of the files of the Kaggle set"""


def fetch(folder: Path) -> Path:
    """Download ``exoTrain.csv`` and ``exoTest.csv`` into ``folder``, and return the folder.

    Existing files are kept; if both exist, nothing is downloaded.

    Raises:
        InputError: ``kagglehub`` is not installed, the download fails, or the folder cannot be written. The message
            gives the address of the files.
    """
    if all((folder / name).is_file() for name in FILES):
        return folder
    try:
        import kagglehub

        fetched = Path(kagglehub.dataset_download(_HANDLE))
    except ImportError as error:
        raise _by_hand(folder, "kagglehub is not installed: pip install kagglehub") from error
    # Without a network or an account, kagglehub and its libraries raise exceptions of many kinds.
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
        # The file of mkstemp is readable for its owner only; other users of a shared folder need the data too.
        os.chmod(temporary, 0o644)
        os.replace(temporary, target)
    except BaseException:
        with suppress(OSError):
            os.unlink(temporary)
        raise
