"""``python scripts/evaluate.py ...``, the same as ``exojax evaluate ...``."""

import sys

from exojax.cli.evaluate import main

if __name__ == "__main__":
    sys.exit(main())
