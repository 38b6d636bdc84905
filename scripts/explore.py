"""``python scripts/explore.py ...``, the same as ``exojax explore ...``."""

import sys

from exojax.cli.explore import main

if __name__ == "__main__":
    sys.exit(main())
