"""``python scripts/pretrain.py ...``, the same as ``exojax pretrain ...``."""

from exojax.cli.process import as_program

if __name__ == "__main__":
    from exojax.cli.pretrain import main

    as_program("pretrain.py", main)
