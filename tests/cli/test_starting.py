"""Commands start quickly: libraries that take seconds to import are imported only where they are needed."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from exojax.cli.main import COMMANDS

HEAVY = ("jax", "sklearn", "scipy", "orbax", "xgboost", "pandas", "matplotlib", "pyarrow", "astropy", "optuna", "numba")


def imported_by(program: str) -> set[str]:
    """Return the heavy modules that ``program`` imports, in a process of its own."""
    ask = f"import json, sys\n{program}\nprint(json.dumps([name for name in {HEAVY!r} if name in sys.modules]))"
    done = subprocess.run([sys.executable, "-c", ask], capture_output=True, text=True, timeout=60, check=True)
    return set(json.loads(done.stdout.splitlines()[-1]))


def test_no_command_imports_anything_heavy_to_show_its_help() -> None:
    program = f"""
import contextlib, importlib, io
for name in {list(COMMANDS)!r}:
    with contextlib.suppress(SystemExit), contextlib.redirect_stdout(io.StringIO()):
        importlib.import_module(f"exojax.cli.{{name}}").main(["--help"])
"""
    assert imported_by(program) == set()


@pytest.mark.parametrize(
    ("modules", "needed"),
    [
        ("exojax.cli.search, exojax.io.source, exojax.io.catalogue, exojax.report.candidates", set()),
        ("exojax.runs.survey, exojax.cli.search_outputs", {"jax", "scipy", "numba"}),
        ("exojax.runs.candidate_scores, exojax.models.registry", {"jax", "scipy", "numba"}),
    ],
)
def test_a_search_imports_what_it_needs(modules: str, needed: set[str]) -> None:
    parsed = (
        "from exojax.cli import options, search\noptions.parse('search.py', search.Options, ['a.csv', '--out', 'b'])"
    )
    assert imported_by(f"import {modules}\n{parsed}") <= needed


def test_the_shipped_weights_are_read_without_orbax_and_scikit_learn() -> None:
    assert imported_by("import exojax\nexojax.load('pretrained')") <= {"jax", "scipy", "numba"}
