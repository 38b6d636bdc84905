"""``python scripts/search.py ...``, the same as ``exojax search ...``."""

import sys

from exojax.cli.search import main

if __name__ == "__main__":
    sys.exit(main())
