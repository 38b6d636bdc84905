"""Commands called in this process, on files and a network small enough for a test."""

from __future__ import annotations

import csv
import json
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import jax
import numpy as np
import pytest
from flax import linen as nn

from exojax.config import TrainConfig
from exojax.models.base import Network

ROOT = Path(__file__).parents[2]
CADENCES = 288

Table = tuple[np.ndarray, np.ndarray]
"""``flux (n, c)`` and ``label (n,)`` 2 or 1."""


class TinyNetwork(nn.Module):
    """Compiles in a moment; its dense layer fixes the number of cadences, and dropout wants a key."""

    @nn.compact
    def __call__(self, inputs: dict[str, jax.Array], *, train: bool) -> jax.Array:
        x = nn.relu(nn.Dense(8)(inputs["spectrum"]))
        return nn.Dense(1)(nn.Dropout(0.2, deterministic=not train)(x))[:, 0]


TINY = Network(
    inputs=("spectrum",),
    module=TinyNetwork(),
    train=TrainConfig(steps=12, batch_size=16, evaluate_every=4, average_decay=0.9),
)


class Ran(NamedTuple):
    """A command's exit code and its lines on the terminal."""

    code: int
    out: str
    err: str


Call = Callable[..., Ran]
"""``call(main, *options)``."""


def stars(n: int, hosts: int, *, seed: int, cadences: int = CADENCES) -> Table:
    """Make noise, with dips every 20 cadences in the hosts' rows, deep enough for any model."""
    rng = np.random.default_rng(seed)
    flux = rng.normal(0, 10, (n, cadences)).round(3)
    label = rng.permutation(np.where(np.arange(n) < hosts, 2, 1))
    dips = (np.arange(cadences) + rng.integers(0, 20, n)[:, None]) % 20 < 3
    flux[(label == 2)[:, None] & dips] -= 40
    return flux, label


def write_csv(path: Path, table: Table, *, labelled: bool = True) -> Path:
    """Write a table in the layout of the Kaggle set."""
    flux, label = table
    path.parent.mkdir(parents=True, exist_ok=True)
    lines = [["LABEL"] * labelled + [f"FLUX.{i + 1}" for i in range(flux.shape[1])]]
    lines += [[str(k)] * labelled + [f"{v:.3f}" for v in row] for row, k in zip(flux, label)]
    path.write_text("".join(",".join(line) + "\n" for line in lines))
    return path


def read_rows(path: Path) -> list[dict[str, str]]:
    with path.open() as stream:
        return list(csv.DictReader(stream))


def read_json(path: Path) -> dict[str, Any]:
    return json.loads(path.read_text())


def files(folder: Path) -> dict[str, bytes]:
    """Return the content of every file below ``folder``, by its relative path."""
    return {str(p.relative_to(folder)): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}


def caller(capsys: pytest.CaptureFixture[str]) -> Call:
    def call(main: Callable[[Sequence[str]], int], *options: object) -> Ran:
        capsys.readouterr()
        try:
            code = main([str(option) for option in options])
        except SystemExit as end:
            code = int(end.code or 0)
        printed = capsys.readouterr()
        sys.stdout.write(printed.out)  # for the report of a failing test
        return Ran(code, printed.out, printed.err)

    return call


def assert_refused(ran: Ran, *words: str) -> None:
    """Assert exit code 2 and one line that has all the words."""
    assert ran.code == 2, ran
    assert ran.err.endswith("\n")
    assert ran.err.count("\n") == 1, ran.err
    assert "Traceback" not in ran.err
    for word in words:
        assert word in ran.err, (word, ran.err)
