"""``python scripts/pretrain.py ...``, the same as ``exojax pretrain ...``."""

import sys

from exojax.cli.pretrain import main

if __name__ == "__main__":
    sys.exit(main())
