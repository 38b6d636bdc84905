"""One seed, many uses: no two of them draw the same numbers."""

import ast
from pathlib import Path

import jax
import pytest

from exojax import streams

PACKAGE = Path(streams.__file__).parent
# The command's own benchmarks time made-up arrays, one use of a seed each; injection names its uses itself.
OWN = {"streams.py", "injecting.py", "cli/bench_load.py", "cli/bench_score.py", "cli/bench_detrend.py"}
OWN |= {"cli/bench_train.py"}


def test_every_use_has_a_number_of_its_own():
    numbers = list(streams.STREAMS.values())
    assert len(set(numbers)) == len(numbers)
    assert set(streams.POPULATIONS) <= set(streams.STREAMS)


def test_no_two_streams_draw_the_same_numbers():
    uses = [(seed, name, *more) for seed in (0, 1, 7) for name in streams.STREAMS for more in ((0,), (1,))]
    drawn = {tuple(streams.generator(*use).integers(2**63, size=2).tolist()) for use in uses}
    assert len(drawn) == len(uses)
    # Where NumPy would fill up with zeros, too.
    assert streams.generator(3, "bootstrap").random() != streams.generator(3, "bootstrap", 0).random()
    keys = {tuple(jax.random.key_data(streams.root_key(*use)).tolist()) for use in uses}
    assert len(keys) == len(uses)
    for seed in (0, 1, 7):
        assert tuple(jax.random.key_data(jax.random.key(seed)).tolist()) not in keys


def test_an_unknown_stream_is_refused():
    with pytest.raises(KeyError):
        streams.generator(0, "no such use")


@pytest.mark.parametrize("path", sorted(PACKAGE.rglob("*.py")), ids=lambda path: path.relative_to(PACKAGE).as_posix())
def test_generators_are_made_by_name(path):
    """Elsewhere nobody makes a generator from a bare seed, so that uses cannot meet."""
    if path.relative_to(PACKAGE).as_posix() in OWN:
        return
    called = [node.func for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Call)]
    names = {func.attr if isinstance(func, ast.Attribute) else getattr(func, "id", "") for func in called}
    assert not names & {"default_rng", "RandomState", "Philox", "PCG64"}
