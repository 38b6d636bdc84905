"""Two processes never work in one folder, and a disk that is full ends a command in one line, to go on later."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest
from small_cli import Call, assert_refused, files

from exojax.cli import compare, evaluate, explore, inject, pretrain, search, train, tune

HOLDER = """
import sys, time
from pathlib import Path
from exojax.storage.lock import locked
with locked(Path("taken")):
    print("held", flush=True)
    time.sleep(100)
"""


@pytest.fixture
def taken() -> Iterator[int]:
    """Another process works in the folder ``taken``."""
    with subprocess.Popen([sys.executable, "-c", HOLDER], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        process.stdout.readline()
        yield process.pid
        process.kill()


@pytest.mark.parametrize(
    ("main", "options"),
    [
        (train.main, ("--model", "tiny", "--run", "./taken")),
        (compare.main, ("--models", "tiny", "--out", "taken")),
        (tune.main, ("--model", "svc", "--out", "taken")),
        (search.main, ("--run", "none", "--out", "taken")),
        (inject.main, ("--out", "taken")),
        (explore.main, ("--out", "taken")),
    ],
    ids=["train", "compare", "tune", "search", "inject", "explore"],
)
def test_the_second_process_is_refused(
    main: Callable[[Sequence[str]], int], options: tuple[str, ...], taken: int, one_file: Path, call: Call
) -> None:
    assert_refused(call(main, "--data", one_file, *options), f"taken: process {taken} works in this folder")
    assert list(files(Path("taken"))) == [".lock"]


def test_so_is_an_evaluation_and_a_pretraining(taken: int, tiny_run: Path, one_file: Path, call: Call) -> None:
    ran = call(evaluate.main, "--run", tiny_run, "--data", one_file, "--out", "taken")
    assert_refused(ran, f"process {taken}")
    assert_refused(call(pretrain.main, "--out", "out", "--run", "./taken"), f"process {taken}")
    assert not Path("out").exists()


LIMITED = """
import resource, sys
sys.path.insert(0, {here!r})
from small_cli import TINY
import exojax.cli.outputs, exojax.cli.progress
from exojax.cli import train
from exojax.cli.process import as_program
from exojax.models import registry
registry.MODELS["tiny"] = TINY
exojax.cli.outputs.plots = lambda run, found: {{}}
exojax.cli.progress.EVERY = 1e6
resource.setrlimit(resource.RLIMIT_FSIZE, ({size}, resource.RLIM_INFINITY))
as_program("train.py", lambda: train.main(sys.argv[1:]))
"""


def test_a_full_disk_is_one_line_and_the_same_command_goes_on(tiny_run: Path, one_file: Path) -> None:
    """A file that may not grow stands for a disk that is full: Orbax meets it, too."""
    place = Path("checkpoints/run")
    sizes: list[int | str] = [300, 4000, "resource.RLIM_INFINITY"]
    for size in sizes:
        program = LIMITED.format(here=str(Path(__file__).parent), size=size)
        words = ["--data", str(one_file), "--model", "tiny", "--run", "run"]
        ran = subprocess.run([sys.executable, "-c", program, *words], capture_output=True, text=True, timeout=200)
        assert not [name for name in files(place) if name.endswith(".partial") or name == ".lock"]
        if size != sizes[-1]:
            assert (ran.returncode, ran.stderr.count("\n")) == (2, 1), ran.stderr
            assert "File too large" in ran.stderr
    assert ran.returncode == 0, ran.stderr
    same = ("predictions.csv", "metrics.json", "metrics.jsonl", "calibration.json", "split.json", "config.json")
    ours, theirs = files(place), files(tiny_run)
    assert {name: ours[name] for name in same} == {name: theirs[name] for name in same}


@pytest.mark.skipif(os.getuid() == 0, reason="root may write everywhere")
def test_a_folder_that_may_not_be_written(one_file: Path, call: Call) -> None:
    Path("mine").mkdir(mode=0o500)
    assert_refused(call(explore.main, "--data", one_file, "--out", "mine/out"), "mine/out", "Permission denied")
