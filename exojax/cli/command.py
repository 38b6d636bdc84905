"""What every command shares: parsing, exit codes, one-line errors, progress on a terminal, the compilation cache."""

from __future__ import annotations

import contextlib
import errno
import io
import logging
import os
import re
import signal
import sys
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from typing import Any, Protocol, TypeVar

import tyro

from exojax.cli import progress as shown
from exojax.errors import InputError
from exojax.storage import announce

Options = TypeVar("Options")

CONFIG = (tyro.conf.FlagCreatePairsOff, tyro.conf.DisallowNone)


def run(
    name: str, options: type[Options], body: Callable[[Options], int | None], argv: Sequence[str] | None = None
) -> int:
    """Parse ``argv`` into ``options``, run ``body``, and turn its end into an exit code.

    Args:
        name: of the command, for messages.
        options: a dataclass; its docstring and its fields' are the help.
        body: returns an exit code, None for 0.
        argv: without the program's name; ``sys.argv`` by default.

    Returns:
        0 on success, 2 for what the user can mend (told in one line on standard error), 130 and 143 after Ctrl-C and
        SIGTERM, 141 when the reader of a pipe has gone. A bug raises, which Python turns into 1.
    """
    logging.basicConfig(level=logging.WARNING, format=f"{name}: %(message)s", stream=sys.stderr)
    quiet_libraries()
    try:
        with _terminable():
            try:
                chosen = parse(name, options, list(sys.argv[1:] if argv is None else argv))
                with shown.shown():
                    return body(chosen) or 0
            finally:
                # Here, where a closed pipe is understood, and not at exit, where it is not.
                sys.stdout.flush()
    except InputError as error:
        return _told(name, str(error), 2)
    except KeyboardInterrupt as stop:
        number = stop.args[0] if stop.args else signal.SIGINT
        return _told(name, f"stopped by {signal.Signals(number).name}; run the same command again", 128 + number)
    except BrokenPipeError:
        # `| head` has read enough; what is still buffered must not raise again at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 141
    except Exception as error:
        if (code := getattr(error, "exit_code", None)) is not None:
            return _told(name, str(error), int(code))
        if isinstance(error, OSError) and error.filename is not None:
            return _told(name, f"{error.filename}: {error.strerror}; check the path, its permissions and the disk", 2)
        if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
            return _told(name, f"{error.strerror}; make room and run the same command again", 2)
        raise


def quiet_libraries() -> None:
    """Keep what XLA, JAX, Orbax, absl and Flax say of themselves off standard error; their errors still raise.

    XLA reads its level when JAX is imported, so this comes first. A level that the user has set stands.
    """
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    for library in ("jax", "jaxlib", "orbax", "absl", "flax"):
        logging.getLogger(library).setLevel(logging.ERROR)
        warnings.filterwarnings("ignore", module=rf"{library}(\.|$)")


def _told(name: str, text: str, code: int) -> int:
    print(f"{name}: {' '.join(text.split())}", file=sys.stderr)
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


def value(called: str) -> Any:
    """Return what the help calls an option's value, for ``Annotated[type, value("FILE")]``.

    A default of None is not shown, and a number that no person would type is shortened.
    """

    def hint(default: str) -> str:
        with contextlib.suppress(ValueError):
            default = f"{float(default):.3g}" if len(default) > 9 else default
        return "" if default in ("", "None") else f"(default: {default})"

    return tyro.conf.arg(metavar=called, help_behavior_hint=hint)


def parse(name: str, options: type[Options], argv: list[str]) -> Options:
    """The options, or one line on what is wrong with them.

    Raises:
        InputError: an option is unknown or its value is not of the right type.
        SystemExit: with code 0, after ``--help``.
    """
    said = io.StringIO()
    try:
        with contextlib.redirect_stderr(said):
            chosen = tyro.cli(options, args=argv, prog=name, config=CONFIG)
    except SystemExit as end:
        if end.code in (0, None):
            raise
        raise InputError(f"{_sentence(said.getvalue())}; see {name} --help") from None
    seed = getattr(chosen, "seed", None)
    if seed is not None and not 0 <= seed < 2**31:
        raise InputError(f"--seed {seed}: give a number from 0 to {2**31 - 1}")
    return chosen


def _sentence(box: str) -> str:
    """What tyro says in a box of several paragraphs, in a few words."""
    # Lines and box are drawn in ASCII where the terminal knows no more.
    lines = [re.sub(r"[─-╿]|\x1b\[[0-9;]*m|-{9,}", " ", line).strip() for line in box.splitlines()[1:]]
    lines = lines[next((i for i, line in enumerate(lines) if line), 0) :]
    end = lines.index("") if "" in lines else len(lines)
    text, named = " ".join(lines[:end]), [line.split()[0] for line in lines if line.startswith("--")]
    if text.startswith("Missing from"):
        return f"{' and '.join(named)} must be given"
    if text.startswith("Unrecognized options: "):
        near = f"; did you mean {' or '.join(named)}?" if named else ""
        return f"no such option: {text.partition(': ')[2]}{near}"
    text = re.sub(r"^Missing value for argument '(.*)'\..*", r"\1 needs a value", text)
    kind = "a whole number" if "INT" in text or "int()" in text else "a number"
    return re.sub(r"^Error parsing (\S+): .*?('.*')\W*$", rf"\1: \2 is not {kind}", text)


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


def settle() -> None:
    """End the bars, so that what is printed next stands below them."""
    shown.settle()


class Show(Protocol):
    """Shows how far a phase is; see :func:`exojax.storage.announce.phase`."""

    def __call__(
        self, phase: str, done: int = 0, total: int = 0, facts: dict[str, Any] | None = None, *, unit: str = ""
    ) -> None:
        """Show it."""


@contextmanager
def progress() -> Iterator[Show]:
    """Show how far a command is: a bar on a terminal, elsewhere a line on standard error every ten seconds.

    What library code says by :mod:`exojax.storage.announce` is shown alike. Every command shows both from its beginning
    to its end (see :func:`run`); where this ends, the bars end too, and what is printed next stands below them.

    Yields:
        ``show(phase, done, total, facts, unit=...)``: another ``phase`` begins another bar; ``facts`` stand beside it.
    """

    def show(phase: str, done: int = 0, total: int = 0, facts: dict[str, Any] | None = None, *, unit: str = "") -> None:
        announce.phase(phase, done, total, unit=unit, facts=facts)

    with nullcontext() if shown.is_on() else shown.shown():
        try:
            yield show
        finally:
            shown.settle()
