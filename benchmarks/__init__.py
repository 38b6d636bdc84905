"""Measure speed and detection beside other software, alternated in one run. From a clone only."""
