"""``python scripts/compare.py ...``, the same as ``exojax compare ...``."""

import sys

from exojax.cli.compare import main

if __name__ == "__main__":
    sys.exit(main())
