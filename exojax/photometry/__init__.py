"""Light curves as measured -> even, flat curves that a search can fold: grid, detrend, clean."""
