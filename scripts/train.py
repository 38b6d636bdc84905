"""``python scripts/train.py ...``, the same as ``exojax train ...``."""

import sys

from exojax.cli.train import main

if __name__ == "__main__":
    sys.exit(main())
