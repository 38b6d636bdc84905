"""``python scripts/plot.py ...``, the same as ``exojax plot ...``."""

import sys

from exojax.cli.plot import main

if __name__ == "__main__":
    sys.exit(main())
