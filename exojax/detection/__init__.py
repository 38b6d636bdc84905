"""Search a star's flat light curve for transits, and measure period, epoch, duration and depth of each candidate."""
