"""Inject simulated planets into measured light curves, and count the recovered ones."""
