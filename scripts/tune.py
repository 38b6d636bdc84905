"""``python scripts/tune.py ...``, the same as ``exojax tune ...``."""

import sys

from exojax.cli.tune import main

if __name__ == "__main__":
    sys.exit(main())
