"""Light curves to candidates: where the transits are, and what else they could be."""
