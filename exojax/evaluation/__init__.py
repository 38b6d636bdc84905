"""Evaluate scores: splits by star, metrics with intervals, calibration, checks of leakage, shortcut controls."""
