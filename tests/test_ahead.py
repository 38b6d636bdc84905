"""Programs kept between processes: the same numbers, traced once, and never those of another program."""

from __future__ import annotations

from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from exojax import ahead as module
from exojax.ahead import ahead

SHAPES = (jax.ShapeDtypeStruct((3,), jnp.float32), {"by": jax.ShapeDtypeStruct((), jnp.float32)})
VALUES = (np.array([1.0, 2.0, 3.0], np.float32), {"by": np.float32(2)})


class Doubling:
    """Counts how often it is traced."""

    def __init__(self, more: float = 0.0) -> None:
        self.traced, self.more = 0, more

    def __call__(self, x, times):
        self.traced += 1
        return {"found": x * times["by"] + self.more}


@pytest.fixture(autouse=True)
def _own_cache(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("EXOJAX_CACHE", str(tmp_path))


def values(function, key="a", shapes=SHAPES, given=VALUES):
    return np.asarray(ahead(function, shapes, key)(*given)["found"]).tolist()


def test_a_program_is_traced_once_for_all_processes() -> None:
    first, second = Doubling(), Doubling()
    assert values(first) == values(second) == [2.0, 4.0, 6.0]
    assert (first.traced, second.traced) == (1, 0)


@pytest.mark.parametrize("change", ["key", "shape", "source", "version"])
def test_another_program_is_never_taken_for_it(change: str, monkeypatch: pytest.MonkeyPatch) -> None:
    values(Doubling())
    other = Doubling(more=1.0)
    key, shapes, given = "a", SHAPES, VALUES
    if change == "key":
        key = "b"
    if change == "shape":
        shapes, given = (jax.ShapeDtypeStruct((2,), jnp.float32), SHAPES[1]), (VALUES[0][:2], VALUES[1])
    if change == "source":
        monkeypatch.setattr(module, "_sources", lambda: "another")
    if change == "version":
        monkeypatch.setattr(jax, "__version__", "99")
    assert values(other, key, shapes, given) == [3.0, 5.0, 7.0][: len(given[0])]
    assert other.traced == 1


def test_a_damaged_program_is_traced_again(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    values(Doubling())
    (entry,) = tmp_path.glob("*.npz")
    content = bytearray(entry.read_bytes())
    content[len(content) // 2] ^= 1
    entry.write_bytes(content)
    again = Doubling()
    assert values(again) == [2.0, 4.0, 6.0]
    assert again.traced == 1
    assert "damaged" in caplog.text
