"""One process at a time works in a folder, and a dead one blocks nobody."""

from __future__ import annotations

import fcntl
import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from exojax.errors import InputError
from exojax.storage import lock
from exojax.storage.lock import NAME, locked, moved_aside

HOLDER = """
import sys, time
from pathlib import Path
from exojax.storage.lock import locked
with locked(Path(sys.argv[1])):
    print("held", flush=True)
    time.sleep(60)
"""


@contextmanager
def holder(folder: Path) -> Iterator[subprocess.Popen[str]]:
    """Start another process that holds the lock."""
    with subprocess.Popen([sys.executable, "-c", HOLDER, str(folder)], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        try:
            yield process
        finally:
            process.kill()


def no_locks(descriptor: int, how: int) -> None:
    raise OSError(95, "Operation not supported")


@pytest.mark.parametrize("ending", [signal.SIGKILL, signal.SIGTERM])
def test_the_second_is_refused_until_the_first_has_ended(tmp_path: Path, ending: int) -> None:
    with holder(tmp_path / "run") as process:
        with (
            pytest.raises(InputError, match=f"run: process {process.pid} works in this folder") as refused,
            locked(tmp_path / "run"),
        ):
            pass
        assert "\n" not in str(refused.value)
        process.send_signal(ending)
        process.wait()
        # What the kill has left does not block.
        assert (tmp_path / "run" / NAME).exists()
        with locked(tmp_path / "run"):
            (tmp_path / "run" / "a").touch()
    assert os.listdir(tmp_path / "run") == ["a"]


def test_a_folder_is_held_again_and_an_empty_one_is_removed(tmp_path: Path) -> None:
    folder = tmp_path / "deep" / "run"
    with locked(folder):
        with locked(folder), locked(tmp_path / "deep" / ".." / "deep" / "run"):
            pass
        assert (folder / NAME).exists()
    assert os.listdir(tmp_path) == []


def test_a_folder_is_released_after_an_error(tmp_path: Path) -> None:
    with pytest.raises(KeyError), locked(tmp_path):
        raise KeyError
    with locked(tmp_path):
        pass


def test_a_folder_that_is_moved_aside_stays_locked(tmp_path: Path) -> None:
    run, old = tmp_path / "run", tmp_path / "old"
    with locked(run):
        (run / "a").touch()
        moved_aside(run, old)
        assert os.listdir(old) == ["a"]
        probe = (
            f"from pathlib import Path; from exojax.storage.lock import locked; locked(Path({str(run)!r})).__enter__()"
        )
        ran = subprocess.run([sys.executable, "-c", probe], capture_output=True, text=True)
        assert f"process {os.getpid()} works in this folder" in ran.stderr
    with locked(run):
        pass


class TestWithoutLocksOfTheFileSystem:
    @pytest.fixture(autouse=True)
    def _none(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(fcntl, "flock", no_locks)

    def write(self, folder: Path, host: str, pid: int) -> None:
        (folder / NAME).write_text(json.dumps({"host": host, "pid": pid}))

    def test_a_process_that_has_ended_does_not_count(self, tmp_path: Path) -> None:
        with subprocess.Popen([sys.executable, "-c", ""]) as ended:
            pass
        self.write(tmp_path, socket.gethostname(), ended.pid)
        with locked(tmp_path):
            pass

    def test_a_process_that_lives_does(self, tmp_path: Path) -> None:
        self.write(tmp_path, socket.gethostname(), os.getppid())
        with pytest.raises(InputError, match=f"process {os.getppid()} works"), locked(tmp_path):
            pass

    def test_one_of_another_machine_does_until_its_file_is_removed(self, tmp_path: Path) -> None:
        self.write(tmp_path, "elsewhere", 1)
        with pytest.raises(InputError, match=r"process 1 on 'elsewhere' works.* remove .*\.lock"), locked(tmp_path):
            pass
        (tmp_path / NAME).unlink()
        with locked(tmp_path):
            pass

    @pytest.mark.parametrize("content", ["", "{", "[]", '{"host": 1}', "\x00\xff"])
    def test_a_file_that_names_nobody_does_not_count(self, tmp_path: Path, content: str) -> None:
        (tmp_path / NAME).write_text(content)
        with locked(tmp_path):
            pass


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with (
        pytest.raises(InputError, match=r"file/run: cannot be written \(Not a directory\)"),
        locked(tmp_path / "file" / "run"),
    ):
        pass
    assert lock._held == set()
