"""Files -> LightCurves, and nothing else: one format a module.

``kaggle`` and ``npz`` read, ``download`` fetches; ``opening`` turns files into bytes, ``grid`` bytes into
numbers, ``cache`` keeps arrays between runs and ``fingerprint`` names a file's content.
"""
