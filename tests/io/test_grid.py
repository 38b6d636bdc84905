"""Two parsers, one answer: what the fast one takes, the careful one reads the same."""

import io
from pathlib import Path

import numpy as np
import pytest
import simdjson
from hypothesis import example, given, settings
from hypothesis import strategies as st

from exojax.errors import InputError
from exojax.io import grid

forms = st.sampled_from(["{!r}", "{:.9e}", "{:+.8E}", "{:.3f}", "{:g}", " {!r} ", "{:.25e}"])
cells = st.one_of(
    st.tuples(forms, st.floats(allow_nan=False)).map(lambda drawn: drawn[0].format(drawn[1])),
    st.integers(-(10**30), 10**30).map(str),
    st.from_regex(r"[+-]?([0-9]{1,30}\.?[0-9]{0,30}|\.[0-9]{1,30})([eE][+-]?[0-9]{1,3})?", fullmatch=True),
)


@settings(max_examples=200, deadline=None)
@example(["1e39", "-1e400", "18446744073709551615", "-9223372036854775808", "-0", "1e-46", "00.5"])
@given(st.lists(cells, min_size=1, max_size=8))
def test_fast_and_careful_parsers_agree_with_python(cells: list[str]) -> None:
    text = ",".join(cells).encode()
    with np.errstate(over="ignore"):
        expected = np.array([float(cell) for cell in cells]).astype(np.float32)
    careful = grid._by_arrow(text, len(cells))
    # Arrow rounds once, from the decimal; by way of float64 it is twice.
    np.testing.assert_array_max_ulp(careful, expected, maxulp=1)
    fast = grid._plain(simdjson.Parser(), text + b"\n")
    if fast is not None:
        np.testing.assert_array_equal(fast, expected)
    (line, values), *rest = grid.rows(
        io.BytesIO(text), [str(n) for n in range(len(cells))], path=Path("a.csv"), first_line=2
    )
    assert (line, rest) == (2, [])
    np.testing.assert_array_equal(values, careful if fast is None else fast)


def test_plain_numbers_take_the_fast_way(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(grid, "_by_arrow", None)
    text = b"2,-3.16307000e+01,0.5\r\n1,1E5,-7\r\n\r\n1, 0,3"
    lines, values = zip(*grid.rows(io.BytesIO(text), ["LABEL", "FLUX.1", "FLUX.2"], path=Path("a.csv"), first_line=2))
    assert lines == (2, 3, 5)
    np.testing.assert_array_equal(values, np.float32([[2, -31.6307, 0.5], [1, 1e5, -7], [1, 0, 3]]))


@pytest.mark.parametrize(
    "cell", ["[1]", "[]", "[[2]]", "1]", "true", "{}", '{"a":1}', "0x10", "1_0", "1 2", "\0", "1\t2"]
)
def test_json_that_is_no_number_is_refused(cell: str) -> None:
    for text in (f"{cell},2", f"2,{cell}"):
        with pytest.raises(InputError, match="line 7, column FLUX"):
            list(grid.rows(io.BytesIO(text.encode()), ["FLUX.1", "FLUX.2"], path=Path("a.csv"), first_line=7))
