"""The table of numbers: whole blocks and single lines are read alike, and what is no number is named."""

import io
from pathlib import Path

import numpy as np
import pytest
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


def read(text: bytes, *names: str, first_line: int = 2) -> list[tuple[int, np.ndarray]]:
    return list(grid.rows(io.BytesIO(text), names, path=Path("a.csv"), first_line=first_line))


@settings(max_examples=200, deadline=None)
@example(["1e39", "-1e400", "18446744073709551615", "-9223372036854775808", "-0", "1e-46", "00.5"])
@given(st.lists(cells, min_size=1, max_size=8))
def test_blocks_and_lines_agree_with_python(cells: list[str]) -> None:
    text, names = ",".join(cells).encode(), [str(n) for n in range(len(cells))]
    with np.errstate(over="ignore"):
        expected = np.array([float(cell) for cell in cells]).astype(np.float32)
    ((line, values),) = read(text, *names)
    assert line == 2
    np.testing.assert_array_equal(values, expected)
    # A line with an empty cell takes the careful way, and all lines of its block with it.
    (_, first), (_, second) = read(text + b"\n" + b"," * (len(cells) - 1) + b"nan", *names)
    np.testing.assert_array_equal(first, expected)
    assert np.isnan(second).all()


def test_line_numbers_count_blank_lines() -> None:
    text = b"2,-3.16307000e+01,0.5\r\n1,1E5,-7\r\n\r\n1, 0,3"
    lines, values = zip(*read(text, "LABEL", "FLUX.1", "FLUX.2"))
    assert lines == (2, 3, 5)
    np.testing.assert_array_equal(values, np.float32([[2, -31.6307, 0.5], [1, 1e5, -7], [1, 0, 3]]))
    many = b"\n".join(b"%d,1" % n for n in range(200))
    assert [int(row[0]) for _, row in read(many, "a", "b")] == list(range(200))


@pytest.mark.parametrize(
    "cell", ["[1]", "[]", "[[2]]", "1]", "true", "{}", '{"a":1}', "0x10", "1_0", "1 2", "\0", "1\t2"]
)
def test_what_is_no_number_is_refused(cell: str) -> None:
    for text in (f"{cell},2", f"2,{cell}"):
        with pytest.raises(InputError, match="line 7, column FLUX"):
            read(text.encode(), "FLUX.1", "FLUX.2", first_line=7)
