"""A network on folds and boosted trees, weighed by how they did on stars that neither had seen.

What they know is not the same: the network looks at the folds' shapes, trees at numbers and thresholds. The weights
come from out-of-fold log-odds of the training rows alone (Wolpert 1992, Neural Networks 5, 241; none below zero, after
Breiman 1996, Machine Learning 24, 49).
"""

from __future__ import annotations

from exojax.models import boosting, transit
from exojax.models.base import Stack

MODEL = Stack(of={"transit": transit.MODEL, "boosting": boosting.MODEL})
