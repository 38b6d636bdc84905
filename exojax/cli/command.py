"""Run a command: parsing, exit codes, one-line errors, progress on a terminal, the compilation cache."""

from __future__ import annotations

import contextlib
import errno
import logging
import os
import signal
import sys
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from typing import Any, Protocol, TypeVar

from exojax.cli import process
from exojax.cli import progress as display
from exojax.cli.options import parse
from exojax.errors import InputError
from exojax.storage import announce
from exojax.storage.lock import locked
from exojax.storage.plain_text import plain
from exojax.storage.write_file import disk_error

Options = TypeVar("Options")


def run(
    name: str,
    options: type[Options],
    body: Callable[[Options], int | None],
    argv: Sequence[str] | None = None,
    *,
    alone: bool = True,
) -> int:
    """Parse ``argv`` into ``options``, run ``body``, and turn its end into an exit code.

    Meanwhile no other process works in the folder of ``--out``, where the command has such an option and it is given.

    Args:
        name: of the command, for messages, where it was not started as a program.
        options: a dataclass; its docstring and its fields' are the help.
        body: returns an exit code, None for 0.
        argv: without the program's name; ``sys.argv`` by default.
        alone: False where several processes may share that folder.

    Returns:
        0 on success, 2 for what the user can mend (one line on standard error says what), 130 and 143 after Ctrl-C and
        SIGTERM, 141 when the reader of a pipe has gone. A bug raises, which Python turns into 1.
    """
    name = process.started_as or name
    logging.basicConfig(level=logging.WARNING, format=f"{name}: %(message)s", stream=sys.stderr)
    for handler in logging.getLogger().handlers:
        handler.addFilter(_with_plain_text)
    quiet_libraries()
    try:
        with _terminable():
            try:
                chosen = parse(name, options, list(sys.argv[1:] if argv is None else argv))
                out = getattr(chosen, "out", None) if alone else None
                with display.displayed(), nullcontext() if out is None else locked(out):
                    return body(chosen) or 0
            finally:
                # Here, where a closed pipe is understood, and not at exit, where it is not.
                sys.stdout.flush()
    except InputError as error:
        return _ended(name, str(error), 2)
    except KeyboardInterrupt as stop:
        number = stop.args[0] if stop.args else signal.SIGINT
        return _ended(name, f"stopped by {signal.Signals(number).name}; run the same command again", 128 + number)
    except BrokenPipeError:
        # `| head` has read enough; what is still buffered must not raise again at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 141
    except Exception as error:
        if (code := getattr(error, "exit_code", None)) is not None:
            return _ended(name, str(error), int(code))
        fault = disk_error(error)
        if fault is not None:
            where = "" if fault.filename is None else f"{fault.filename}: "
            remedy = "make room" if fault.errno in (errno.ENOSPC, errno.EDQUOT) else "check the disk"
            return _ended(name, f"{where}{fault.strerror}; {remedy} and run the same command again", 2)
        if isinstance(error, OSError) and error.filename is not None:
            return _ended(name, f"{error.filename}: {error.strerror}; check the path, its permissions and the disk", 2)
        raise


def quiet_libraries() -> None:
    """Keep what XLA, JAX, Orbax, absl and Flax say of themselves off standard error; their errors still raise.

    XLA reads its level when JAX is imported, so this comes first. A level that the user has set stands.
    """
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    for library in ("jax", "jaxlib", "orbax", "absl", "asyncio", "flax"):
        # Of a full disk or a damaged checkpoint Orbax and its tasks write three hundred lines before it raises.
        level = logging.CRITICAL if library in ("orbax", "absl", "asyncio") else logging.ERROR
        logging.getLogger(library).setLevel(level)
        warnings.filterwarnings("ignore", module=rf"{library}(\.|$)")


def _with_plain_text(record: logging.LogRecord) -> bool:
    """Take from a record what a terminal would obey, and keep it."""
    record.msg, record.args = plain(record.getMessage()), ()
    return True


def _ended(name: str, text: str, code: int) -> int:
    """Print why the command ends, on one line, and return its exit code."""
    print(plain(f"{name}: {' '.join(text.split())}"), file=sys.stderr)
    return code


@contextmanager
def _terminable() -> Iterator[None]:
    """SIGTERM ends a command as Ctrl-C does, wherever it is; the training loop has its own way, which saves first."""

    def stop(number: int, frame: object) -> None:
        raise KeyboardInterrupt(number)

    try:
        before = signal.signal(signal.SIGTERM, stop)
    except ValueError:  # not the main thread, where Python allows no handlers
        yield
        return
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def use_compilation_cache() -> None:
    """Keep compiled functions in the user's cache, so that a second run starts at once. JAX is not imported for it."""
    from exojax.storage import cache

    folder = cache.directory() / "compiled"
    with contextlib.suppress(OSError):
        folder.mkdir(parents=True, exist_ok=True)
    # JAX warns at every function that it cannot keep.
    if not os.access(folder, os.W_OK):
        announce.note(
            f"{folder} cannot be written, so each command compiles anew: set EXOJAX_CACHE to a folder of yours"
        )
        return
    settings = {"jax_compilation_cache_dir": str(folder), "jax_persistent_cache_min_compile_time_secs": 0.3}
    for name, value in settings.items():
        if "jax" in sys.modules:
            sys.modules["jax"].config.update(name, value)
        else:
            os.environ[name.upper()] = str(value)


def use_wide_vectors() -> None:
    """Make XLA use AVX-512 where there is any, in training and scoring.

    XLA reads it when JAX starts; in a process where it has, only its children would, and differ from it.
    """
    name = "--xla_cpu_prefer_vector_width"
    if "jax" not in sys.modules and name not in os.environ.get("XLA_FLAGS", ""):
        os.environ["XLA_FLAGS"] = f"{os.environ.get('XLA_FLAGS', '')} {name}=512".strip()


def say(text: str) -> None:
    """Print lines on standard output, at once; no character of them is obeyed by a terminal."""
    print("\n".join(map(plain, text.split("\n"))), flush=True)


def settle() -> None:
    """End the bars, so that what is printed next stands below them."""
    display.settle()


class Show(Protocol):
    """Shows how far a phase is; see :func:`exojax.storage.announce.phase`."""

    def __call__(
        self, phase: str, done: int = 0, total: int = 0, facts: dict[str, Any] | None = None, *, unit: str = ""
    ) -> None:
        """Show it."""


@contextmanager
def progress() -> Iterator[Show]:
    """Show how far a command is: a bar on a terminal, elsewhere a line on standard error every ten seconds.

    What library code reports by :mod:`exojax.storage.announce` is shown alike, from a command's beginning to its end
    (see :func:`run`); where this ends, the bars end too, and what is printed next stands below them.

    Yields:
        ``show(phase, done, total, facts, unit=...)``: another ``phase`` begins another bar; ``facts`` stand beside it.
    """

    def show(phase: str, done: int = 0, total: int = 0, facts: dict[str, Any] | None = None, *, unit: str = "") -> None:
        announce.phase(phase, done, total, unit=unit, facts=facts)

    with nullcontext() if display.is_on() else display.displayed():
        try:
            yield show
        finally:
            display.settle()
