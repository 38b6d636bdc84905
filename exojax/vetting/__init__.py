"""Test whether the signal of a candidate can come from something other than a planet of its star."""
