"""Plain loops over the cadences of one star, compiled by Numba once for a machine: no length or cadence is in them."""
