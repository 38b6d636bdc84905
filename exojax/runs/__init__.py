"""The rooms composed: fit a model, evaluate and compare it, search any number of stars, keep a run folder."""
