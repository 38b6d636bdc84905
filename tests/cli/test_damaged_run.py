"""A changed byte of a run folder is refused in one line, or leaves the run's results as they are."""

from __future__ import annotations

import gc
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from small_cli import files

from exojax import predict
from exojax.config import DataConfig
from exojax.errors import InputError
from exojax.io.source import open_source
from exojax.light_curves import LightCurves
from exojax.runs.run import load
from exojax.storage.json_files import read_checked, write_checked

UNREAD = (
    "report.html",
    "MODEL_CARD.md",
    "metrics.json",
    "predictions.csv",
    "metrics.jsonl",
    "tensorboard",
    "out_of_fold",
)


@pytest.fixture(autouse=True)
def _no_leftovers(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Orbax leaves tasks behind an error that it has raised, which complain when they are collected."""
    with monkeypatch.context() as patch:
        patch.setattr(sys, "unraisablehook", lambda error: None)
        yield
        gc.collect()


@pytest.fixture(scope="module")
def curves(one_file: Path) -> LightCurves:
    return open_source(DataConfig(str(one_file))).rows().take(np.arange(12))


def outcome(run: Path, curves: LightCurves) -> tuple[tuple[bytes, object, object], str]:
    """Return probabilities, calibration and split, and the warnings that a reader gets."""
    loaded = load(run)
    return (predict(loaded, curves).tobytes(), loaded.calibration, loaded.split), " ".join(loaded.warnings)


@pytest.mark.parametrize("kind", ["tiny_run", "svc_run"])
def test_it_is_refused_or_changes_nothing(kind: str, curves: LightCurves, request: pytest.FixtureRequest) -> None:
    run = Path(shutil.copytree(request.getfixturevalue(kind), "run"))
    expected, _ = outcome(run, curves)
    names = [name for name in files(run) if not name.startswith((*UNREAD, "plots"))]
    assert len(names) > 4
    rng = np.random.default_rng(5)
    refused = 0
    for name in names:
        content = (run / name).read_bytes()
        for _ in range(3 if content else 0):
            at = int(rng.integers(len(content)))
            (run / name).write_bytes(
                content[:at] + bytes([content[at] ^ (1 << int(rng.integers(8)))]) + content[at + 1 :]
            )
            try:
                found, warnings = outcome(run, curves)
            except InputError as error:
                refused += "\n" not in str(error)
            else:
                # Weights of an earlier step are taken where those of the last are damaged, and every page says so.
                assert found == expected or "is damaged; the weights are those of step" in warnings, name
        (run / name).write_bytes(content)
    assert refused > 5
    assert outcome(run, curves)[0] == expected


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("prior", 0.0),
        ("prior", 1.5),
        ("slope", -1.0),
        ("threshold", 2.0),
        ("steps", [-3]),
        ("steps", [1.5]),
        ("steps", "many"),
    ],
)
def test_a_calibration_that_cannot_be(name: str, value: object, tiny_run: Path) -> None:
    run = Path(shutil.copytree(tiny_run, "run"))
    write_checked(run / "calibration.json", read_checked(run / "calibration.json") | {name: value})
    with pytest.raises(InputError, match="calibration") as refused:
        load(run)
    assert "\n" not in str(refused.value)
