"""Runs that many tests look at are trained once."""

from __future__ import annotations

from contextlib import chdir
from pathlib import Path

import pytest
from small_cli import TINY, Call, caller, stars, write_csv

import exojax.cli.outputs
import exojax.cli.progress
from exojax.cli import train
from exojax.models import registry


@pytest.fixture(autouse=True)
def _surroundings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A network more, and ``checkpoints/`` and ``data/`` are looked for where the command is called."""
    monkeypatch.setitem(registry.MODELS, "tiny", TINY)
    monkeypatch.setattr(exojax.cli.progress, "EVERY", 1e6)  # on a busy machine anything takes ten seconds
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def _no_plots(monkeypatch: pytest.MonkeyPatch) -> None:
    """Drawing takes longer than all the rest."""
    monkeypatch.setattr(exojax.cli.outputs, "plots", lambda run, found: {})


@pytest.fixture
def call(capsys: pytest.CaptureFixture[str]) -> Call:
    return caller(capsys)


@pytest.fixture(scope="session")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with exoTrain.csv (72 stars, 24 hosts) and exoTest.csv (24 stars, 8 hosts)."""
    folder = tmp_path_factory.mktemp("source") / "small"
    write_csv(folder / "exoTrain.csv", stars(72, 24, seed=0))
    write_csv(folder / "exoTest.csv", stars(24, 8, seed=1))
    return folder


@pytest.fixture(scope="session")
def one_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file on its own: 90 stars, 30 hosts, of which a fifth is kept for the test."""
    return write_csv(tmp_path_factory.mktemp("source") / "alone.csv", stars(90, 30, seed=2))


def _train(place: Path, *options: object) -> Path:
    with chdir(place), pytest.MonkeyPatch.context() as patch:
        patch.setitem(registry.MODELS, "tiny", TINY)
        assert train.main([str(option) for option in (*options, "--run", place / "run")]) == 0
    return place / "run"


@pytest.fixture(scope="session")
def svc_run(tmp_path_factory: pytest.TempPathFactory, data: Path) -> Path:
    """A finished run of svc on ``data``, with all its plots."""
    return _train(tmp_path_factory.mktemp("svc"), "--data", data, "--model", "svc")


@pytest.fixture(scope="session")
def tiny_run(tmp_path_factory: pytest.TempPathFactory, one_file: Path) -> Path:
    """A finished run of the tiny network on ``one_file``."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(exojax.cli.outputs, "plots", lambda run, found: {})
        return _train(tmp_path_factory.mktemp("tiny"), "--data", one_file, "--model", "tiny")
