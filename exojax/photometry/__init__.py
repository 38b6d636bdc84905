"""Prepare light curves for a search: put them on an even grid, detrend them, and remove outliers."""
