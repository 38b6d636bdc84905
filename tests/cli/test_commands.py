"""Behaviour that all commands share: help, names, pipes, terminals."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
from pathlib import Path

import pytest
from small_cli import ROOT, assert_refused, caller

from exojax.cli import main

COMMANDS = {
    "explore": "--data SOURCE --out DIR --seed N",
    "train": "--data SOURCE --model NAME --run NAME --steps N --seed N --fresh --config FILE --init RUN "
    "--positive PC,EB --cadence-minutes MINUTES",
    "evaluate": "--run NAME --data SOURCE --out DIR --seed N --cadence-minutes MINUTES",
    "compare": "--data SOURCE --models A,B,... --folds K --repeats R --out DIR --seed N --cadence-minutes MINUTES "
    "--inner K --join-test",
    "tune": "--data SOURCE --model NAME --trials N --storage URL --workers N --folds K --out DIR --seed N",
    "search": "--data SOURCE --target NAME --out DIR --run NAME --sheets N --labels CSV --stars CSV "
    "--known CSV --period-min DAYS --period-max DAYS --snr-min SNR --max-candidates N --seed N",
    "inject": "--data SOURCE --out DIR --seed N",
    "pretrain": "--out DIR --run NAME --steps N --seed N",
    "plot": "--run NAME --out DIR --seed N",
    "benchmark": "--out --seed",
}
HEAVY = ("jax", "flax", "sklearn", "pandas", "matplotlib.pyplot", "torch")


def python(*words: object, **how: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, *map(str, words)], capture_output=True, text=True, timeout=100, **how)


def test_help_names_every_option_and_needs_no_jax() -> None:
    # One process for all, for the interpreter's start is what costs.
    program = f"""
import contextlib, io, runpy, sys
for name in {list(COMMANDS)!r}:
    sys.argv = [name + ".py", "--help"]
    with contextlib.redirect_stdout(io.StringIO()) as printed:
        try:
            runpy.run_path(f"scripts/{{name}}.py", run_name="__main__")
        except SystemExit as end:
            assert not end.code, (name, end.code)
    print("=====", name)
    print(printed.getvalue())
    if name != "benchmark":  # which is about JAX
        assert not [heavy for heavy in {HEAVY!r} if heavy in sys.modules], name
"""
    ran = python("-c", program, cwd=ROOT)
    assert ran.returncode == 0, ran.stderr
    printed = dict(part.split(maxsplit=1) for part in ran.stdout.split("=====")[1:])
    for name, options in COMMANDS.items():
        words = " ".join(printed[name].split())
        for option in options.split("--")[1:]:
            assert f"--{option.strip()}" in words, (name, option)
        assert "None" not in words


def test_every_script_has_its_command() -> None:
    scripts = {path.stem for path in (ROOT / "scripts").glob("*.py")}
    assert scripts == set(COMMANDS)
    # The benchmarks are no part of the package; the list of models is no script.
    assert set(main.COMMANDS) == scripts - {"benchmark"} | {"cache", "models"}


@pytest.mark.parametrize("words", [[], ["--help"], ["-h"]])
def test_exojax_lists_the_commands(
    words: list[str], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "argv", ["exojax", *words])
    ran = caller(capsys)(lambda _: main.main())
    assert (ran.code, ran.err) == (0, "")
    assert [line.split()[0] for line in ran.out.splitlines()[2:]] == list(main.COMMANDS)


@pytest.mark.parametrize(("word", "printed"), [("nonsense", "there are train"), ("trian", "did you mean train?")])
def test_exojax_knows_no_other(
    word: str, printed: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "argv", ["exojax", word])
    assert_refused(caller(capsys)(lambda _: main.main()), word, printed)


def test_exojax_is_the_script(one_file: Path) -> None:
    # A command ends its process, so it has one of its own.
    ran = python("-m", "exojax", "train", "--data", one_file, "--model", "nope", cwd=ROOT)
    assert ran.returncode == 2
    assert ran.stderr.count("\n") == 1
    assert "exojax train: --model nope" in ran.stderr


def test_a_reader_that_has_read_enough(one_file: Path) -> None:
    for words in (["--help"], ["--data", one_file, "--model", "svc", "--run", "k1"]):
        read, write = os.pipe()
        os.close(read)  # as `| head -1` does in the end
        with os.fdopen(write, "w") as closed:
            ran = subprocess.run(
                [sys.executable, ROOT / "scripts/train.py", *words],
                stdout=closed,
                stderr=subprocess.PIPE,
                text=True,
                timeout=100,
            )
        assert ran.stderr == ""
        assert ran.returncode == 141


BAR = """
from exojax.cli.command import progress
with progress() as show:
    for step in range(3):
        show("teaching", step, 2, {"loss": 0.25, "stars/s": 7}, unit="steps")
"""


def test_progress_is_a_bar_on_a_terminal_and_nothing_elsewhere_for_ten_seconds() -> None:
    piped = python("-c", BAR)
    assert (piped.returncode, piped.stdout, piped.stderr) == (0, "", "")
    ours, theirs = pty.openpty()
    with subprocess.Popen([sys.executable, "-c", BAR], stderr=theirs, env=os.environ | {"TERM": "xterm"}) as process:
        os.close(theirs)
        printed = b""
        # Linux reports the end of a terminal as an error.
        try:
            while part := os.read(ours, 4096):
                printed += part
        except OSError:
            pass
        os.close(ours)
    assert process.returncode == 0
    for word in (b"teaching", b"2 of 2 steps", b"loss 0.25", b"stars/s 7"):
        assert word in printed
