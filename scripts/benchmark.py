"""``python scripts/benchmark.py ...``: speed and detection beside other software."""

import os
import sys
from pathlib import Path

from exojax.cli.process import as_program

if __name__ == "__main__":
    # The benchmarks are no part of the package; each reading is a process of its own that must find them too.
    root = str(Path(__file__).resolve().parents[1])
    sys.path.insert(0, root)
    os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, [root, os.environ.get("PYTHONPATH", "")]))
    from benchmarks.run import main

    as_program("benchmark.py", main)
