"""``python scripts/inject.py ...``, the same as ``exojax inject ...``."""

import sys

from exojax.cli.inject import main

if __name__ == "__main__":
    sys.exit(main())
