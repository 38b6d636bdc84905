"""Arrays in, honest figures out: splits by star, intervals, calibration, leakage and shortcut controls."""
