"""Find the transits in a star's flat light curve: periods, epochs, durations, depths, and further candidates."""
