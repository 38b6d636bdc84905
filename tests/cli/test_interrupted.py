"""Stopped by Ctrl-C, SIGTERM or SIGKILL, in training or after it, and called again: the same files in the end."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from small_cli import Call, files

from exojax import fitting
from exojax.cli import train

pytestmark = pytest.mark.usefixtures("_no_plots")


def outcome(run: Path) -> dict[str, bytes]:
    """What must be equal to the byte; the report names the folder."""
    names = ("predictions.csv", "metrics.json", "metrics.jsonl", "calibration.json", "split.json", "config.json")
    return {name: content for name, content in files(run).items() if name in names}


@pytest.mark.parametrize(("signum", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
@pytest.mark.parametrize("when", [("tiny", 6), ("tiny fold 2/3", 5)], ids=["training", "a fold"])
def test_a_signal_saves_and_the_same_command_goes_on(
    when: tuple[str, int],
    signum: int,
    code: int,
    tiny_run: Path,
    one_file: Path,
    call: Call,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    told = train.fit if hasattr(train, "fit") else fitting.fit

    def interrupted(*args: Any, report: Any, **named: Any) -> Any:
        def pull(phase: str, record: dict[str, Any]) -> None:
            report(phase, record)
            if (phase, record["step"]) == when:
                os.kill(os.getpid(), signum)

        return told(*args, report=pull, **named)

    command = ("--data", one_file, "--model", "tiny", "--run", "k1")
    with monkeypatch.context() as patch:
        patch.setattr(fitting, "fit", interrupted)
        ran = call(train.main, *command)
    assert ran.code == code
    assert ran.err.count("\n") == 1
    assert signal.Signals(signum).name in ran.err
    assert not Path("checkpoints/k1/calibration.json").exists()
    assert call(train.main, *command).code == 0
    assert outcome(Path("checkpoints/k1")) == outcome(tiny_run)


@pytest.mark.parametrize(("signum", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_outside_training_ends_it_as_cleanly(
    signum: int, code: int, one_file: Path, call: Call, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fitting, "usable_rows", lambda data: os.kill(os.getpid(), signum))
    before = signal.getsignal(signal.SIGTERM)
    ran = call(train.main, "--data", one_file, "--model", "svc", "--run", "k1")
    assert (ran.code, ran.err.count("\n")) == (code, 1)
    assert signal.getsignal(signal.SIGTERM) is before
    assert not Path("checkpoints").exists()


KILLED = """
import os, signal, sys
sys.path.insert(0, {here!r})
import jax
jax.config.update("jax_num_cpu_devices", 8)
from small_cli import TINY
from exojax import fitting
from exojax.cli import train
from exojax.models import registry
registry.MODELS["tiny"] = TINY
save = fitting.save_arrays
def save_and_die(path, arrays):
    save(path, arrays)
    if path.parent.name == "out_of_fold" and path.stem == "1":
        os.kill(os.getpid(), signal.SIGKILL)
fitting.save_arrays = save_and_die
train.main(sys.argv[1:])
"""


def test_killed_between_the_folds_it_ends_alike(tiny_run: Path, one_file: Path, call: Call) -> None:
    command = [str(o) for o in ("--data", one_file, "--model", "tiny", "--run", "k1")]
    program = KILLED.format(here=str(Path(__file__).parent))
    killed = subprocess.run([sys.executable, "-c", program, *command], capture_output=True, timeout=120)
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    run = Path("checkpoints/k1")
    assert sorted(files(run / "out_of_fold")) == ["0.npz", "1.npz"]
    assert not (run / "calibration.json").exists()
    finished = (run / "out_of_fold" / "1.npz").stat().st_mtime_ns
    assert call(train.main, *command).code == 0
    assert (run / "out_of_fold" / "1.npz").stat().st_mtime_ns == finished  # not fitted again
    assert outcome(run) == outcome(tiny_run)
