"""Run a command: parse its options, print errors on one line, set exit codes, show progress, cache compiled code."""

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
    """Parse ``argv`` into ``options``, run ``body``, and return an exit code.

    The folder of ``--out``, if given, is locked: no other process can work in it until the command ends.

    Args:
        name: name of the command in messages, if Python code calls it.
        options: a dataclass; its docstring and those of its fields are the help text.
        body: the command; returns an exit code, or None for 0.
        argv: arguments without the program's name; ``sys.argv`` by default.
        alone: False allows several processes in the folder of ``--out``.

    Returns:
        0 on success; 2 for a mistake that the user can mend, described on one line of standard error; 130 after Ctrl-C,
        143 after SIGTERM; 141 when the reader of a pipe has closed it. A bug raises an exception, and Python returns 1.
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
                # A closed pipe must raise here, where it is handled, and not when Python exits.
                sys.stdout.flush()
    except InputError as error:
        return _ended(name, str(error), 2)
    except KeyboardInterrupt as stop:
        number = stop.args[0] if stop.args else signal.SIGINT
        return _ended(name, f"stopped by {signal.Signals(number).name}; run the same command again", 128 + number)
    except BrokenPipeError:
        # The reader, such as `| head`, has closed the pipe. Buffered output must not raise again at exit.
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
    """Set XLA, JAX, Orbax, absl and Flax to log errors only; their exceptions still raise.

    Call it before JAX is imported, because XLA reads its log level then. A level set by the user is kept.
    """
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    for library in ("jax", "jaxlib", "orbax", "absl", "asyncio", "flax"):
        # On a full disk or a damaged checkpoint Orbax and its tasks log three hundred lines before they raise.
        level = logging.CRITICAL if library in ("orbax", "absl", "asyncio") else logging.ERROR
        logging.getLogger(library).setLevel(level)
        warnings.filterwarnings("ignore", module=rf"{library}(\.|$)")


def _with_plain_text(record: logging.LogRecord) -> bool:
    """Remove the control characters from a log record; return True, which keeps the record."""
    record.msg, record.args = plain(record.getMessage()), ()
    return True


def _ended(name: str, text: str, code: int) -> int:
    """Print on one line why the command ends; return its exit code."""
    print(plain(f"{name}: {' '.join(text.split())}"), file=sys.stderr)
    return code


@contextmanager
def _terminable() -> Iterator[None]:
    """End the command on SIGTERM as on Ctrl-C; the training loop has its own handler, which saves first."""

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
    """Store compiled functions in the user's cache, so that a second run starts at once; do not import JAX."""
    from exojax.storage import cache

    folder = cache.directory() / "compiled"
    with contextlib.suppress(OSError):
        folder.mkdir(parents=True, exist_ok=True)
    # Without this check, JAX would warn at every function that it cannot store.
    if not os.access(folder, os.W_OK):
        announce.note(
            f"{folder}: cannot be written, so that every command compiles again; set EXOJAX_CACHE to a folder of yours"
        )
        return
    settings = {"jax_compilation_cache_dir": str(folder), "jax_persistent_cache_min_compile_time_secs": 0.3}
    for name, value in settings.items():
        if "jax" in sys.modules:
            sys.modules["jax"].config.update(name, value)
        else:
            os.environ[name.upper()] = str(value)


def use_wide_vectors() -> None:
    """Make XLA use AVX-512, where the processor has it, in training and scoring.

    XLA reads the flag when JAX is imported. If JAX is imported already, the flag is not set: it would change only child
    processes, whose results would then differ from those of this process.
    """
    name = "--xla_cpu_prefer_vector_width"
    if "jax" not in sys.modules and name not in os.environ.get("XLA_FLAGS", ""):
        os.environ["XLA_FLAGS"] = f"{os.environ.get('XLA_FLAGS', '')} {name}=512".strip()


def say(text: str) -> None:
    """Print lines on standard output at once, with control characters escaped."""
    print("\n".join(map(plain, text.split("\n"))), flush=True)


def settle() -> None:
    """End the progress bars, so that later output stands below them."""
    display.settle()


class Show(Protocol):
    """A function that shows the progress of a phase; see :func:`exojax.storage.announce.phase`."""

    def __call__(
        self, phase: str, done: int = 0, total: int = 0, facts: dict[str, Any] | None = None, *, unit: str = ""
    ) -> None:
        """Show ``done`` of ``total`` units of a phase, and further facts beside them."""


@contextmanager
def progress() -> Iterator[Show]:
    """Show the progress of a command: bars on a terminal, elsewhere a line on standard error every ten seconds.

    Library code reports its own phases through :mod:`exojax.storage.announce`; they are shown in the same way. When
    the context ends, the bars end, and later output stands below them.

    Yields:
        ``show(phase, done, total, facts, unit=...)``: a new ``phase`` begins a new bar; ``facts`` stand beside the bar.
    """

    def show(phase: str, done: int = 0, total: int = 0, facts: dict[str, Any] | None = None, *, unit: str = "") -> None:
        announce.phase(phase, done, total, unit=unit, facts=facts)

    with nullcontext() if display.is_on() else display.displayed():
        try:
            yield show
        finally:
            display.settle()
