"""One seed, many uses: no two of them draw the same numbers."""

import ast
from itertools import combinations
from pathlib import Path

import jax
import numpy as np
import pytest

import exojax
from exojax.config import SimulateConfig, TeachConfig
from exojax.simulate import population as populations
from exojax.simulate import random_streams
from exojax.simulate.population import simulate
from exojax.simulate.teaching import teach

PACKAGE = Path(exojax.__file__).parent
OWN = {"simulate/random_streams.py"}


def test_every_use_has_a_number_of_its_own():
    numbers = list(random_streams.STREAMS.values())
    assert len(set(numbers)) == len(numbers)
    assert set(random_streams.POPULATIONS) <= set(random_streams.STREAMS)


def test_no_two_streams_draw_the_same_numbers():
    uses = [(seed, name, *more) for seed in (0, 1, 7) for name in random_streams.STREAMS for more in ((0,), (1,))]
    drawn = {tuple(random_streams.generator(*use).integers(2**63, size=2).tolist()) for use in uses}
    assert len(drawn) == len(uses)
    # Where NumPy would fill up with zeros, too.
    assert random_streams.generator(3, "bootstrap").random() != random_streams.generator(3, "bootstrap", 0).random()
    keys = {tuple(jax.random.key_data(random_streams.root_key(*use)).tolist()) for use in uses}
    assert len(keys) == len(uses)
    for seed in (0, 1, 7):
        assert tuple(jax.random.key_data(jax.random.key(seed)).tolist()) not in keys


def test_an_unknown_stream_is_refused():
    with pytest.raises(KeyError):
        random_streams.generator(0, "no such use")


@pytest.mark.parametrize("path", sorted(PACKAGE.rglob("*.py")), ids=lambda path: path.relative_to(PACKAGE).as_posix())
def test_generators_are_made_by_name(path):
    """Elsewhere nobody makes a generator from a bare seed, so that uses cannot meet."""
    if path.relative_to(PACKAGE).as_posix() in OWN:
        return
    called = [node.func for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Call)]
    names = {func.attr if isinstance(func, ast.Attribute) else getattr(func, "id", "") for func in called}
    assert not names & {"default_rng", "RandomState", "Philox", "PCG64"}


def test_populations_share_no_draw(monkeypatch):
    """One seed for training, simulated and scored stars: nothing is drawn twice."""
    seen, make = [], np.random.default_rng

    def noted(seed=None):
        made = make(seed)
        seen.append(tuple(make(seed).integers(2**63, size=2).tolist()))
        return made

    def noted_key(seed, stream, *numbers):
        key = random_streams.root_key(seed, stream, *numbers)
        seen.append(tuple(jax.random.key_data(key).tolist()))
        return key

    monkeypatch.setattr(np.random, "default_rng", noted)
    monkeypatch.setattr(populations, "root_key", noted_key)
    parts = []
    for population in ("synthetic", "synthetic-kaggle", "fresh"):
        simulate(SimulateConfig(n_stars=20, host_fraction=0.1, n_cadences=300, seed=5, population=population))
        parts.append(set(seen))
        seen.clear()
    for mission in ("kepler", "k2", "tess", "coarse"):
        teach(TeachConfig(mission=mission, n_stars=4, seed=5))
        parts.append(set(seen))
        seen.clear()
    assert all(parts)
    for one, other in combinations(parts, 2):
        assert not one & other


def test_no_star_is_in_two_populations():
    config = {"n_stars": 30, "host_fraction": 0.2, "n_cadences": 300, "seed": 5}
    parts = [
        simulate(SimulateConfig(**config, population=name))[0] for name in ("synthetic", "synthetic-kaggle", "fresh")
    ]
    for one, other in combinations(parts, 2):
        assert not set(one.id) & set(other.id)
        assert not (one.flux[:, None] == other.flux[None]).all(axis=2).any()
        assert one.sha256 != other.sha256
