"""The examples run, are short, and do what they say."""

from __future__ import annotations

import importlib.util
import inspect
import sys
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from exojax.models import registry

FOLDER = Path(__file__).parents[1] / "examples"
SMALL = {"n_stars": 60, "steps": 3}
EXPERIMENTS = {"fresh_stars", "learning_curve"}
"""scripts of an hour each, whose figures are in benchmarks/RESULTS.md"""
PATHS = sorted(path for path in FOLDER.glob("*.py") if path.stem not in EXPERIMENTS)


def example(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(f"example_{name}", FOLDER / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # a dataclass looks there for the meaning of its annotations
    spec.loader.exec_module(module)
    return module


@pytest.fixture(autouse=True)
def _own_registry(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry, "MODELS", dict(registry.MODELS))


def test_every_example_is_here() -> None:
    tested = {name.removeprefix("test_") for name in globals() if name.startswith("test_")}
    assert {path.stem for path in PATHS} <= tested


@pytest.mark.parametrize("path", PATHS, ids=lambda path: path.stem)
def test_short_and_explained(path: Path) -> None:
    module = example(path.stem)
    assert len(path.read_text().splitlines()) < 60
    assert module.__doc__
    assert all(
        parameter.default is not parameter.empty for parameter in inspect.signature(module.main).parameters.values()
    )


@pytest.mark.slow
def test_new_model() -> None:
    module = example("new_model")
    assert 0 < module.main(**SMALL) <= 1
    assert registry.get("deepest").options == {"count": 64}


@pytest.mark.slow
def test_new_loss() -> None:
    module = example("new_loss")
    assert 0 < module.main(**SMALL) <= 1
    # At even odds focal is a quarter of the cross entropy, and it falls faster for stars classified well.
    even, sure = np.asarray(module.focal(np.float32([0, 4]), np.float32([1, 1])))
    assert even == pytest.approx(np.log(2) / 4)
    assert sure == pytest.approx(np.log1p(np.exp(-4)) / (1 + np.exp(4)) ** 2, rel=1e-3)


@pytest.mark.slow
def test_new_augmentation() -> None:
    assert 0 < example("new_augmentation").main(**SMALL) <= 1


@pytest.mark.slow
def test_new_step() -> None:
    assert 0 < example("new_step").main(**SMALL) <= 1


def test_custom_reader() -> None:
    assert example("custom_reader").main(n_stars=60) > 0.6  # a third are hosts, with deep transits


def test_sweep() -> None:
    found = example("sweep").main(n_stars=60)
    assert len(found) == 9
    assert len(set(found.values())) > 1


@pytest.mark.slow
def test_ensemble_vmap() -> None:
    each, together = example("ensemble_vmap").main(n_stars=60, steps=20, members=3)
    assert len(set(each)) > 1
    assert together <= 1


@pytest.mark.slow
def test_flux_gradients() -> None:
    slope = example("flux_gradients").main(copies=8)
    assert slope.shape == (61,)
    assert 0 < np.abs(slope).max() < 100  # and not the slope of one of the steps
