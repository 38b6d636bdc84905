"""Files -> LightCurves, and nothing else: one format a module.

``kaggle`` (with ``grid``) and ``npz`` read many stars from one file. ``fits`` (with ``header``) and ``table`` (with
``text``) turn a file of one star into named columns; ``columns`` decides what each is, with ``clocks`` for times and
``quality`` for what is no measurement, and ``segment`` puts the result in order and on the ``scale`` of its flux.
``stitch`` joins and packs segments, ``folder`` does it for many files, ``arrays`` for what people hold in a notebook.
``catalogue`` reads tables about stars, ``identity`` spells their ids. ``source`` says what SOURCE names, ``download``
and ``target`` fetch.
"""
