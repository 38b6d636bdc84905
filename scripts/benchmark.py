"""``python scripts/benchmark.py ...``, the same as ``exojax benchmark ...``."""

import sys

from exojax.cli.benchmark import main

if __name__ == "__main__":
    sys.exit(main())
