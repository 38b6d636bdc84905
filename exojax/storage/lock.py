"""Lock a run folder or an output folder, so that only one process at a time works in it.

The lock is ``flock`` on the file ``.lock`` in the folder. The kernel releases it when the process ends, also after a
kill. On a network file system the lock works between machines if the file system supports it (NFS does; Lustre does
when mounted with ``flock``). On a file system without locks, the process named in the file counts as the holder: a
process of this machine until it ends, a process of another machine until its file is removed.
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
"""name of the file of the lock"""

_held: set[str] = set()
_guard = threading.Lock()


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Hold the lock of a folder; this process may lock the same folder several times.

    A missing folder is created, and removed at the end if it is still empty.

    Raises:
        InputError: another process works in the folder, or it cannot be written.
    """
    key = os.path.realpath(folder)
    missing = [path for path in (folder, *folder.parents) if not path.exists()]
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
        with suppress(OSError):  # a folder that is not empty stays
            for path in missing:
                path.rmdir()


def moved_aside(folder: Path, target: Path) -> None:
    """Rename a locked folder, create an empty folder in its place, and keep the lock for the new folder.

    Raises:
        InputError: another process has locked the new folder.
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
        except FileNotFoundError:  # the previous holder has removed the folder in the meantime
            continue
        except OSError as error:
            raise InputError(
                f"{folder}: cannot be written ({error.strerror}); check its permissions and the disk"
            ) from None
        try:
            _lock(descriptor, path)
            # The previous holder may have removed the file after it was opened here.
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
        # The file system has no locks.
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
    """Return the host and the process named in a lock file; None if it names none."""
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
