"""Run a command as a process that ends within five seconds after a signal.

Python handles Ctrl-C and SIGTERM in the main thread, between two of its own instructions. Compiled code may run for a
minute before the next instruction, and at exit Python waits for all worker threads. Therefore a second thread receives
the signals through :func:`signal.set_wakeup_fd`. It ends the process if the main thread has not ended after a few
seconds, in which a training can finish its step and save. No file is left incomplete: each is moved to its place in
one step.
"""

from __future__ import annotations

import contextlib
import gc
import logging
import os
import select
import signal
import sys
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import NoReturn

started_as = ""
"""the command as it was typed, such as ``exojax train`` or ``train.py``; empty where Python code calls it"""
GRACE = 3.5
"""seconds after a signal in which the main thread can end by itself"""
COLLECTED = 200_000
"""new objects between two garbage collections; JAX keeps a million objects, and every collection visits all of them"""


def as_program(name: str, main: Callable[[], int]) -> NoReturn:
    """Run a command and end the process with its exit code.

    Args:
        name: the command as it was typed, for messages.
        main: the command; returns an exit code.
    """
    global started_as
    started_as = name
    gc.set_threshold(COLLECTED)
    sys.unraisablehook = _report_unraisable
    with _watched(name):
        try:
            code = main()
        except SystemExit as end:
            code = end.code if isinstance(end.code, int) else int(end.code is not None)
        except KeyboardInterrupt as stop:  # a second signal, while the first was handled
            code = 128 + (stop.args[0] if stop.args else signal.SIGINT)
        except Exception:
            traceback.print_exc()
            code = 1
    logging.shutdown()
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(OSError, ValueError):
            stream.flush()
    if {"jax", "numba"}.isdisjoint(sys.modules) or _is_profiled():
        sys.exit(code)
    # All files are closed. A normal exit would wait for threads that compile, and free all objects for most of a
    # second.
    os._exit(code)


def _report_unraisable(error: sys.UnraisableHookArgs) -> None:
    """Print an exception that no code can catch, except two harmless kinds.

    A signal during JAX's callback of the garbage collector is lost there; the second thread ends the process. Orbax
    leaves unfinished tasks after an error that it has raised.
    """
    code = getattr(error.object, "cr_code", None)
    of_orbax = "orbax" in getattr(code, "co_filename", "") or str(error.exc_value) == "Event loop is closed"
    if not of_orbax and not isinstance(error.exc_value, KeyboardInterrupt):
        sys.__unraisablehook__(error)


def _is_profiled() -> bool:
    """Return whether a Python profiler or debugger is active, which writes its results when Python exits."""
    monitoring = getattr(sys, "monitoring", None)  # from Python 3.12 on
    watched = monitoring is not None and any(monitoring.get_tool(number) for number in range(6))
    return watched or sys.getprofile() is not None or sys.gettrace() is not None


@contextmanager
def _watched(name: str) -> Iterator[None]:
    """End the process ``GRACE`` seconds after a signal, and at once after a second signal."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    ours, theirs = os.pipe()
    os.set_blocking(theirs, False)
    before = signal.set_wakeup_fd(theirs, warn_on_full_buffer=False)
    threading.Thread(target=_watch, args=(ours, name), name="signals", daemon=True).start()
    try:
        yield
    finally:
        signal.set_wakeup_fd(before)
        os.close(theirs)  # which ends the thread


def _watch(pipe: int, name: str) -> None:
    first: int | None = None
    end = 0.0
    while True:
        wait = None if first is None else max(end - time.monotonic(), 0.0)
        if not select.select([pipe], [], [], wait)[0]:
            if first is not None and time.monotonic() >= end:
                _end(name, first)
            continue
        read = os.read(pipe, 1)
        if not read:
            os.close(pipe)
            return
        if read[0] not in (signal.SIGINT, signal.SIGTERM):
            continue
        if first is not None:
            _end(name, read[0])
        first, end = read[0], time.monotonic() + GRACE


def _end(name: str, number: int) -> NoReturn:
    if "multiprocessing" in sys.modules:
        for worker in sys.modules["multiprocessing"].active_children():
            worker.kill()
    # Bars hide the cursor.
    text = (
        "\x1b[?25h" * os.isatty(2) + f"{name}: stopped by {signal.Signals(number).name}; run the same command again\n"
    )
    with contextlib.suppress(OSError):
        os.write(2, text.encode())
    os._exit(128 + number)
