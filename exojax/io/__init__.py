"""Files -> LightCurves, and nothing else: one format a module.

``kaggle`` and ``npz`` read many stars from one file; ``fits`` (with ``header``) and ``table`` read one ``segment`` of
one star, ``stitch`` joins and packs those, ``folder`` does it for many files. ``catalogue`` reads tables about stars,
``identity`` spells their ids. ``download`` and ``target`` fetch; ``opening`` turns files into bytes, ``grid`` bytes
into numbers, ``cache`` keeps arrays between runs and ``fingerprint`` names a file's content.
"""
