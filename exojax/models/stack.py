"""A weighted sum of a network on folded curves and boosted trees.

The two complement each other: the network reads the shapes of folds, the trees read numbers and thresholds. The weights
follow from out-of-fold log-odds of the training rows (Wolpert 1992, Neural Networks 5, 241) and are not negative
(Breiman 1996, Machine Learning 24, 49).
"""

from __future__ import annotations

from exojax.models import boosting, transit
from exojax.models.base import Stack

MODEL = Stack(of={"transit": transit.MODEL, "boosting": boosting.MODEL})
