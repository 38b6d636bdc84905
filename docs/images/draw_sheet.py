"""Draw sheet.png anew: the star of docs/walkthroughs/one_star.md, searched as that page says.

``python docs/images/draw_sheet.py`` runs the page's first Python block and its first command in an empty folder.
"""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

HERE = Path(__file__).resolve().parent
PAGE = HERE.parent / "walkthroughs" / "one_star.md"


def main() -> None:
    """Make the star, search it, and keep the sheet of its first candidate."""
    text = PAGE.read_text()
    program, command = (re.search(rf"```{kind}\n(.*?)```", text, re.S)[1] for kind in ("python", "bash"))
    environment = os.environ | {"PYTHONPATH": str(HERE.parents[1])}
    with TemporaryDirectory() as folder:
        for words in (["-c", program], ["-m", *shlex.split(command)]):
            subprocess.run([sys.executable, *words], cwd=folder, env=environment, check=True)
        shutil.copy(Path(folder) / "out/star/sheets/star-1.png", HERE / "sheet.png")


if __name__ == "__main__":
    main()
