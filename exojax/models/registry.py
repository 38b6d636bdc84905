"""Every model by name. A new one is a file that ends in ``MODEL = ...`` and a line here."""

from __future__ import annotations

import difflib
from importlib.util import find_spec

from exojax.config import RunConfig, TrainConfig
from exojax.errors import InputError
from exojax.models import boosting, cnn, cnn_original, linear, mlp, svc, transit
from exojax.models.interface import Classical, Model, Network

MODELS: dict[str, Model] = {
    "linear": linear.MODEL,
    "svc": svc.MODEL,
    "boosting": boosting.MODEL,
    "mlp": mlp.MODEL,
    "mlp-flux": mlp.FLUX,
    "mlp-views": mlp.FOLDS,
    "cnn-original": cnn_original.MODEL,
    "cnn": cnn.MODEL,
    "transit": transit.MODEL,
}


def training(config: RunConfig) -> TrainConfig:
    """How the run's model is trained: as the configuration says, else as the model's file says."""
    if config.train is not None:
        return config.train
    model = get(config.model)
    return model.train if isinstance(model, Network) else TrainConfig()


def get(name: str) -> Model:
    """The model of that name.

    Raises:
        InputError: there is none, and names that look alike are offered; or what it needs is not installed.
    """
    if name not in MODELS:
        near = difflib.get_close_matches(name, MODELS, n=3) or list(MODELS)
        raise InputError(f"--model {name}: no such model; did you mean {' or '.join(near)}?")
    model = MODELS[name]
    if isinstance(model, Classical) and model.needs and find_spec(model.needs[0]) is None:
        raise InputError(f"--model {name}: needs {model.needs[0]}, which is not installed: {model.needs[1]}")
    return model
