"""Let one process at a time work in a run folder or an output folder.

The lock is ``flock`` on the file ``.lock`` in the folder. The kernel releases it when the process ends, by whatever
signal, so that a lock of a dead process blocks nobody. On a network file system it holds between machines where the
system passes locks on (NFS does, Lustre when mounted with ``flock``). Where the file system knows no locks, the process
that the file names decides: one that has ended on this machine does not count, and one of another machine does until
its file is removed.
"""

from __future__ import annotations

import fcntl
import json
import os
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from exojax.errors import InputError

NAME = ".lock"

_held: set[str] = set()
_guard = threading.Lock()


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Hold the lock of a folder; a folder that this process holds is held again.

    The folder is made where it is missing, and removed again where nothing was written into it.

    Raises:
        InputError: another process works in the folder, or it cannot be written.
    """
    key = os.path.realpath(folder)
    missing = [one for one in (folder, *folder.parents) if not one.exists()]
    with _guard:
        descriptor = None if key in _held else _acquired(folder)
        if descriptor is not None:
            _held.add(key)
    try:
        yield
    finally:
        if descriptor is not None:
            with _guard:
                _held.remove(key)
                _release(descriptor, folder / NAME)
        with suppress(OSError):  # one that holds anything stays
            for one in missing:
                one.rmdir()


def moved_aside(folder: Path, target: Path) -> None:
    """Rename a folder whose lock is held, and go on holding the lock of an empty folder in its place.

    Raises:
        InputError: another process has taken the place.
        OSError: the folder cannot be renamed.
    """
    os.rename(folder, target)
    folder.mkdir(exist_ok=True)
    try:
        os.link(target / NAME, folder / NAME)
    except FileExistsError:
        raise InputError(f"{folder}: another process works in this folder; wait for it to end") from None
    (target / NAME).unlink()


def _acquired(folder: Path) -> int:
    path = folder / NAME
    while True:
        try:
            folder.mkdir(parents=True, exist_ok=True)
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
        except FileNotFoundError:  # its holder before has removed the folder
            continue
        except OSError as error:
            raise InputError(
                f"{folder}: cannot be written ({error.strerror}); check its permissions and the disk"
            ) from None
        try:
            _lock(descriptor, path)
            # The holder before may have removed the file since it was opened.
            if _is_open_at(descriptor, path):
                os.ftruncate(descriptor, 0)
                os.pwrite(descriptor, _about().encode(), 0)
                return descriptor
        except OSError as error:
            os.close(descriptor)
            raise InputError(f"{path}: cannot be written ({error.strerror}); check the disk") from None
        except InputError:
            os.close(descriptor)
            raise
        os.close(descriptor)


def _lock(descriptor: int, path: Path) -> None:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise InputError(f"{path.parent}: {_holder(descriptor)} works in this folder; wait for it to end") from None
    except OSError:
        # The file system knows no locks.
        holder = _read(descriptor)
        if holder is not None and _may_live(*holder):
            raise InputError(
                f"{path.parent}: {_holder(descriptor)} works in this folder; if it has ended, remove {path}"
            ) from None


def _release(descriptor: int, path: Path) -> None:
    with suppress(OSError):
        if _is_open_at(descriptor, path):
            path.unlink()
    with suppress(OSError):
        os.close(descriptor)


def _is_open_at(descriptor: int, path: Path) -> bool:
    with suppress(FileNotFoundError):
        return os.path.samestat(os.fstat(descriptor), path.stat())
    return False


def _about() -> str:
    return json.dumps({"host": socket.gethostname(), "pid": os.getpid()}) + "\n"


def _read(descriptor: int) -> tuple[str, int] | None:
    """Return host and process that a lock file names, or None where it names none."""
    try:
        found = json.loads(os.pread(descriptor, 4096, 0))
        return str(found["host"]), int(found["pid"])
    except (ValueError, KeyError, TypeError):
        return None


def _holder(descriptor: int) -> str:
    found = _read(descriptor)
    if found is None:
        return "another process"
    host, pid = found
    return f"process {pid}" + (f" on {host!r}" if host != socket.gethostname() else "")


def _may_live(host: str, pid: int) -> bool:
    if host != socket.gethostname():
        return True
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except (PermissionError, OverflowError):
        return True
    return pid != os.getpid()
