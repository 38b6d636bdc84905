"""No file has more slips from plain English than its line of the list allows, and each rule finds its slip."""

from __future__ import annotations

import pytest

from tests import plain_english


def test_no_file_has_more_slips_than_it_may() -> None:
    too_many = plain_english.too_many(plain_english.slips(), plain_english.allowed())
    assert not too_many, "\n".join(map(str, too_many))


def test_the_list_names_files_that_are_there() -> None:
    missing = [file for file in plain_english.allowed() if not (plain_english.ROOT / file).exists()]
    assert not missing, f"run python tests/plain_english.py --allow: {missing}"


@pytest.mark.parametrize(
    ("source", "wrong"),
    [
        ('def f():\n    """The mean of x."""\n', "f: begins with 'The', no verb"),
        ('def f():\n    """Of a star, its mean."""\n', "begins with 'Of'"),
        ('A = 1\n"""what a day holds"""\n', "begins with 'what'"),
        ('class A:\n    """stars"""\n', "begins with a lower-case letter"),
        ('class A:\n    @property\n    def b(self):\n        """days"""\n', "b: begins with a lower-case letter"),
        ("# as it is told\n", "'told': reported, recorded, stated, distinguished"),
        ('raise E(f"{n} rows, what is left of them")\n', "'what is left': the remaining"),
        ("twins = 3\n", "the name 'twins' holds twins"),
        ("def f(stars_shown): ...\n", "the name 'stars_shown' holds shown"),
    ],
)
def test_a_slip_of_code_is_found(source: str, wrong: str) -> None:
    assert wrong in [slip.wrong for slip in plain_english.slips_of_code(source, "a.py")]


@pytest.mark.parametrize(
    "source",
    [
        'def f():\n    """Return the mean of x."""\n',
        'class A:\n    """Stars."""\n\n    @property\n    def b(self):\n        """Days since the epoch."""\n',
        'A = 1\n"""days; the longest period"""\n',
        'import pytest\n\n\n@pytest.fixture(scope="module")\ndef star():\n    """A star with one transit."""\n',
        'def test_a_star_is_found():\n    """A star with one transit."""\n',
        'NAME = "exojax-hunt is its name"\n',
        "bold = shower = 1\n",
    ],
)
def test_plain_code_passes(source: str) -> None:
    assert list(plain_english.slips_of_code(source, "a.py")) == []


def test_a_page_is_read_without_its_code() -> None:
    text = "It is `told`.\n\n```python\ntwins = 1\n```\n\nMeasured on 22 November 2026, as said.\n"
    found = [(slip.line, slip.wrong.split("'")[1]) for slip in plain_english.slips_of_page(text, "docs/a.md")]
    assert found == [(7, "said"), (7, "22 November 2026")]
