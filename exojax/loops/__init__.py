"""Define loops over the cadences of one star; Numba compiles them once per machine, for any length and cadence."""
