"""A report names the settings of a run that are not its model's own."""

from dataclasses import replace

from exojax.cli.outputs import changed
from exojax.config import RunConfig
from exojax.models.registry import training


def test_only_what_differs_from_the_models_own_settings_is_listed():
    plain = RunConfig(model="transit")
    usual = replace(plain, train=training(plain))
    assert changed(usual, True) == {"model": "transit"}
    longer = replace(usual, train=replace(training(plain), steps=7))
    assert changed(longer, True) == {"model": "transit", "train": {"steps": 7}}
    assert changed(longer, False) == {"model": "transit"}
