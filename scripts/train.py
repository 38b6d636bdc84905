"""``python scripts/train.py ...``, the same as ``exojax train ...``."""

from exojax.cli.process import as_program

if __name__ == "__main__":
    from exojax.cli.train import main

    as_program("train.py", main)
