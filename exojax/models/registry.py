"""Name all models. To add a model, write a file that ends in ``MODEL = ...`` and add a line here."""

from __future__ import annotations

import difflib
from dataclasses import replace
from importlib.util import find_spec

from exojax.config import RunConfig, TrainConfig
from exojax.errors import InputError
from exojax.models import boosting, cnn, cnn_original, linear, mlp, stack, svc, transit
from exojax.models.base import Classical, Model, Network, Stack, Suggest

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
    "stack": stack.MODEL,
}
OWN = frozenset(MODELS) - {"mine"}
"""names that cannot be registered; ``mine`` is the name of a network that is passed to :func:`exojax.fit`"""


def register(name: str, model: Model) -> None:
    """Register your own model under a name, for this process.

    >>> exojax.register("mine", Network(...))    # doctest: +SKIP

    Raises:
        InputError: the name is that of a model of exojax, or ``model`` is no model.
    """
    if name in OWN:
        raise InputError(f"{name} is a model of exojax: choose another name")
    if not isinstance(model, Network | Classical | Stack):
        kind = model.__name__ if isinstance(model, type) else type(model).__name__
        raise InputError(
            f"{kind} is no model yet: wrap a Flax module as exojax.Network(inputs=('spectrum',), module=Mine()), "
            "another estimator as exojax.models.base.Classical(inputs=..., fit=..., logits=...)"
        )
    if isinstance(model.inputs, str):
        raise InputError(f"inputs={model.inputs!r}: give a tuple of names, such as inputs=({model.inputs!r},)")
    MODELS[name] = model


def training(config: RunConfig) -> TrainConfig:
    """Return the training settings of a run: those of its configuration, else the defaults of its model."""
    return get(config.model).train if config.train is None else config.train


def get(name: str) -> Model:
    """Return the model of that name.

    Raises:
        InputError: there is no such model (the message suggests similar names), or a package that it needs is missing.
    """
    if name not in MODELS:
        near = difflib.get_close_matches(name, MODELS, n=3) or list(MODELS)
        raise InputError(f"--model {name}: no such model; did you mean {' or '.join(near)}?")
    model = MODELS[name]
    for part in model.parts:
        if part.needs and find_spec(part.needs[0]) is None:
            raise InputError(f"--model {name}: needs {part.needs[0]}, which is not installed: {part.needs[1]}")
    return model


def build(config: RunConfig) -> Model:
    """Return the model of a run with the options of its configuration.

    Raises:
        InputError: there is no such model or option, or the value of an option has a wrong type.
    """
    model = get(config.model)
    if not config.options:
        return model
    known = model.options
    for name, value in config.options.items():
        if name not in known:
            raise InputError(
                f"options: {config.model} has no option {name!r}; its options are {', '.join(known) or 'none'}"
            )
        kinds = (float, int) if isinstance(known[name], float) else (type(known[name]),)
        if type(value) not in kinds:
            raise InputError(f"options: {name} is {value!r}, expected {kinds[0].__name__} as in {config.model}'s file")
    return model.with_options(config.options)


def point(config: RunConfig, suggest: Suggest) -> RunConfig:
    """Return the configuration with values that ``suggest`` chooses in the space of its model.

    Raises:
        InputError: the model has no settings to tune, or the values cannot be trained.
    """
    model = get(config.model)
    if model.space is None:
        raise InputError(f"--model {config.model}: has no settings to tune; define space in its MODEL")
    try:
        choice = model.space(suggest)
        chosen = replace(config, train=replace(training(config), **choice.train), options=dict(choice.options))
    except (TypeError, ValueError) as error:
        raise InputError(f"the space of {config.model}: {error}") from None
    build(chosen)
    return chosen
