"""The notebooks' sources run, with sizes for a test, and the pages kept beside them are of these sources."""

from __future__ import annotations

import runpy
from pathlib import Path

import pytest

FOLDER = Path(__file__).parents[1] / "docs" / "notebooks"
SOURCES = sorted(FOLDER.glob("*.py"))
MOST_BYTES = 400_000


@pytest.mark.slow
@pytest.mark.parametrize("source", SOURCES, ids=lambda path: path.stem)
def test_the_source_runs(source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys) -> None:
    pytest.importorskip("IPython", reason="notebooks need pip install -e '.[docs]'")
    monkeypatch.setenv("EXOJAX_NOTEBOOK_STARS", "60")
    monkeypatch.setenv("EXOJAX_NOTEBOOK_STEPS", "2")
    monkeypatch.chdir(tmp_path)  # where no data/ lies
    left = runpy.run_path(str(source))
    assert len(left["curves"]) == 60
    assert "source: synthetic stars" in capsys.readouterr().out


@pytest.mark.parametrize("source", SOURCES, ids=lambda path: path.stem)
def test_the_page_is_of_this_source_and_was_executed(source: Path) -> None:
    jupytext = pytest.importorskip("jupytext", reason="notebooks need pip install -e '.[docs]'")
    page = source.with_suffix(".ipynb")
    assert page.stat().st_size < MOST_BYTES
    there, wanted = jupytext.read(page), jupytext.read(source)
    cells = [(cell.cell_type, cell.source) for cell in wanted.cells]
    assert [(cell.cell_type, cell.source) for cell in there.cells] == cells
    code = [cell for cell in there.cells if cell.cell_type == "code"]
    assert [cell.execution_count for cell in code] == list(range(1, len(code) + 1))
    kinds = {output.output_type for cell in code for output in cell.outputs}
    assert kinds <= {"stream", "display_data"}  # no error
    assert "image/png" in str([output.get("data", {}).keys() for cell in code for output in cell.outputs])
    printed = "".join(output.text for cell in code for output in cell.outputs if output.output_type == "stream")
    assert "/tmp" not in printed
