"""Figures, the self-contained HTML page, the model card and the exploration of a data set."""
