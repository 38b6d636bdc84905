"""Read light curves from files; each module reads one format.

``kaggle`` (with ``grid``) and ``npz`` read many stars from one file. ``fits`` (with ``header``) and ``table`` (with
``text``) turn a file of one star into named columns. ``columns`` recognises the columns, with ``clocks`` for times and
``quality`` for bad rows; ``segment`` sorts the measurements and scales their flux (``scale``). ``stitch`` joins the
segments of a star, ``folder`` does so for many files. ``arrays`` reads arrays and tables in a notebook. ``catalogue``
reads tables of stars, ``identity`` normalises their ids. ``source`` opens the SOURCE of a command; ``download`` and
``target`` download data.
"""
