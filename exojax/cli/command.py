"""What every command shares: parsing, exit codes, one-line errors, progress on a terminal, the compilation cache."""

from __future__ import annotations

import contextlib
import io
import logging
import os
import re
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, TypeVar

import tyro

from exojax.errors import InputError

Options = TypeVar("Options")


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
    # Orbax and absl talk about themselves; their errors still raise.
    logging.getLogger("absl").setLevel(logging.ERROR)
    try:
        chosen = parse(name, options, list(sys.argv[1:] if argv is None else argv))
        return body(chosen) or 0
    except InputError as error:
        print(f"{name}: {' '.join(str(error).split())}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print(f"{name}: stopped", file=sys.stderr)
        return 130
    except BrokenPipeError:
        # `| head` has read enough; what is still buffered must not raise again at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 141
    except Exception as error:
        if (code := getattr(error, "exit_code", None)) is None:
            raise
        print(f"{name}: {error}", file=sys.stderr)
        return int(code)


def parse(name: str, options: type[Options], argv: list[str]) -> Options:
    """The options, or one line on what is wrong with them.

    Raises:
        InputError: an option is unknown or its value is not of the right type.
        SystemExit: with code 0, after ``--help``.
    """
    said = io.StringIO()
    try:
        with contextlib.redirect_stderr(said):
            return tyro.cli(options, args=argv, prog=name, config=(tyro.conf.FlagCreatePairsOff,))
    except SystemExit as end:
        if end.code in (0, None):
            raise
        words = re.sub(r"[─-╿]|\x1b\[[0-9;]*m", " ", said.getvalue())
        raise InputError(f"{' '.join(words.split())[:300]}") from None


def use_compilation_cache() -> None:
    """Keep compiled functions in the user's cache, so that a second run starts at once."""
    import jax

    from exojax.io import cache

    folder = cache.directory() / "compiled"
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError:
        return
    jax.config.update("jax_compilation_cache_dir", str(folder))
    jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.3)


@contextmanager
def progress() -> Iterator[Callable[[str, int, int, dict[str, Any]], None]]:
    """A progress bar on a terminal, nothing in a pipe.

    Yields:
        ``show(phase, done, total, facts)``: a new ``phase`` starts a new bar; ``facts`` stand beside it.
    """
    if not sys.stderr.isatty():
        yield lambda phase, done, total, facts: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    bars: dict[str, Any] = {}
    with Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[facts]}"),
        TimeRemainingColumn(),
        console=Console(stderr=True),
    ) as shown:

        def show(phase: str, done: int, total: int, facts: dict[str, Any]) -> None:
            text = "  ".join(f"{k} {v:.3g}" if isinstance(v, float) else f"{k} {v}" for k, v in facts.items())
            if phase not in bars:
                bars[phase] = shown.add_task(phase, total=total, completed=done, facts=text)
            shown.update(bars[phase], completed=done, facts=text)

        yield show
