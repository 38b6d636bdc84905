"""Every default in one place. Frozen dataclasses; the commands turn them into options, a run into ``config.json``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, is_dataclass
from types import UnionType
from typing import Any, TypeVar, cast, get_args, get_origin, get_type_hints

from exojax.errors import InputError

T = TypeVar("T")

KEPLER_CADENCE_MINUTES = 29.4244


@dataclass(frozen=True)
class SimulateConfig:
    """A population of K2-like stars, from a seed."""

    n_stars: int = 2000
    """stars in all, training and test rows together"""
    host_fraction: float = 0.1
    """share of stars whose transits can be seen (SNR >= 7.1 and two or more transits)"""
    n_cadences: int = 3197
    """cadences a star, gaps included, at 29.4 minutes"""
    close_gaps: bool = False
    """drop the campaign's gaps and join the pieces, as the Kaggle set may have done"""
    seed: int = 0
    """the same seed gives the same stars"""
    population: str = "synthetic"
    """synthetic | synthetic-kaggle | fresh | benchmark: no two share a star, whatever their seeds"""


SIMULATED = {
    "synthetic": SimulateConfig(),
    "synthetic-kaggle": SimulateConfig(n_stars=5657, host_fraction=42 / 5657, population="synthetic-kaggle"),
}
"""sources that need no file: the second has the sizes and the imbalance of the Kaggle set"""
SIMULATED_TEST_FRACTION = {"synthetic": 0.3, "synthetic-kaggle": 570 / 5657}
"""share of their stars kept for the test"""


@dataclass(frozen=True)
class TeachMix:
    """Shares of what the stars of a teaching population are; together they make 1."""

    planet: float = 0.40
    """one to four transiting planets"""
    binary: float = 0.11
    """the star itself is an eclipsing pair"""
    blend: float = 0.20
    """an eclipsing pair in the aperture of a brighter star, before or behind it or bound to it"""
    contact: float = 0.05
    """two stars in contact"""
    rotator: float = 0.05
    """spots"""
    pulsator: float = 0.03
    """delta Scuti, gamma Doradus, RR Lyrae"""
    flare: float = 0.02
    """flares"""
    systematic: float = 0.05
    """the spacecraft's own periods, strong"""
    glitch: float = 0.05
    """drops of sensitivity, ramps, isolated dips"""
    quiet: float = 0.04
    """nothing but noise and a little granulation"""


@dataclass(frozen=True)
class TeachConfig:
    """A population that teaches a network what transits and their impostors look like: broad, not the sky's rates."""

    mission: str = "kepler"
    """kepler | k2 | tess | coarse (Kepler flattened, in 0.05-day bins of which 1,500 at most are kept)"""
    n_stars: int = 2000
    """stars in all"""
    seed: int = 0
    """the same seed gives the same stars"""
    mix: TeachMix = field(default_factory=TeachMix)
    """what they are"""


@dataclass(frozen=True)
class DataConfig:
    """What is read, and as what."""

    source: str = "auto"
    """auto | synthetic | synthetic-kaggle | a folder with exoTrain.csv and exoTest.csv | one such CSV | an .npz of
    light curves | a folder or glob of FITS or tables of single stars | one of these"""
    cadence_minutes: float | None = None
    """minutes between samples of rows without a time axis; 29.4244 is assumed where it is not given"""
    labels: str | None = None
    """a CSV of id,label for stars whose files have none"""
    positive: tuple[str, ...] = ("PC",)
    """dispositions that count as hosts, where a file has several"""
    rows: str = "all"
    """rest: without the stars that are set aside, a fifth of those with a catalogue number | set-aside: these alone |
    all"""
    simulate: SimulateConfig = field(default_factory=SimulateConfig)
    """the population behind ``synthetic`` and ``synthetic-kaggle``"""
    flux_unit: str | None = None
    """relative | ppm | ppt | percent | counts | magnitudes | mmag, where files of single stars do not tell"""
    time_unit: str | None = None
    """days | hours | minutes | seconds, where files of single stars do not tell"""
    clock: str | None = None
    """BJD | BTJD | BKJD | HJD | JD | MJD, where files of single stars do not tell"""


@dataclass(frozen=True)
class TrainConfig:
    """How a network is trained. A model's own file overrides what it wants otherwise."""

    steps: int = 600
    """training steps"""
    batch_size: int = 64
    """stars a step, half of them hosts"""
    learning_rate: float = 2e-3
    """peak of the learning rate"""
    warmup: float = 0.05
    """share of the steps in which the rate rises to its peak; it then falls to 2 % of it along a cosine"""
    constant: bool = False
    """keep the learning rate constant instead"""
    weight_decay: float = 1e-2
    """AdamW's; 0 is plain Adam"""
    adam_epsilon: float = 1e-8
    """added to Adam's root of the mean squared gradient; well above a gradient that is only rounding"""
    clip_norm: float = 1.0
    """longest gradient that a step follows"""
    average_decay: float = 0.99
    """of the running average of the weights that is evaluated and kept; 0 keeps the last weights"""
    evaluate_every: int = 50
    """steps between validations and checkpoints"""
    patience: int = 8
    """validations without a better average precision before training stops; only with enough hosts"""
    passes: float = 0.0
    """passes over the larger class after which a small data set has been seen enough, however many ``steps``
    there are; 0 is no limit"""
    host_passes: float = 0.0
    """the same of the smaller class: a handful of hosts is learnt by heart within a few hundred; 0 is no limit"""
    members: int = 1
    """networks trained from different seeds, whose mean log-odds count"""
    inject: float = 0.0
    """strength of the belief in injected transits: with H training hosts, inject / (inject + H) of the batch's
    positives are training non-hosts with a simulated transit signal"""

    injected_copies: int = 0
    """with fewer training hosts than this, copies of other training stars with a simulated planet that the search finds
    make up the number; only for networks that look at folds of light curves"""

    def __post_init__(self) -> None:
        least = {"steps": 1, "batch_size": 2, "evaluate_every": 1, "patience": 1, "members": 1}
        least |= {
            "learning_rate": 0,
            "warmup": 0,
            "weight_decay": 0,
            "clip_norm": 0,
            "adam_epsilon": 0,
            "average_decay": 0,
            "inject": 0,
            "passes": 0,
            "host_passes": 0,
        }
        for name, low in least.items():
            high = 1 if name in ("warmup", "average_decay") else float("inf")
            if not low <= getattr(self, name) <= high:
                raise InputError(f"train.{name} is {getattr(self, name)}; it must lie from {low} to {high}")


@dataclass(frozen=True)
class SearchConfig:
    """How transits are searched for. Days and fractions."""

    period_min: float = 0.17
    """shortest period, days"""
    period_max: float | None = None
    """longest period, days; None is half of the baseline, 500 at most"""
    duration_min: float = 1 / 24
    """shortest transit, days"""
    duration_max: float = 0.5
    """longest transit, days, and never more than a quarter of the period"""
    window: float | None = None
    """width of the running biweight that takes the star's own variability off, days; None is 2 days, or four times
    ``duration_max`` where that is more"""
    snr_min: float = 7.1
    """a star's second and further candidates, and single transits, have this red-noise SNR or more"""
    max_candidates: int = 3
    """a star, its best peak included however weak"""

    @property
    def window_days(self) -> float:
        """Width of the detrending window, days: ``window``, or the default where that is None."""
        return max(2.0, 4 * self.duration_max) if self.window is None else self.window


@dataclass(frozen=True)
class FoldConfig:
    """How a candidate's light curve is folded into views."""

    global_bins: int = 201
    """bins of the views of the whole phase"""
    local_bins: int = 61
    """bins of the views around an event"""

    def __post_init__(self) -> None:
        for name in ("global_bins", "local_bins"):
            if not 16 <= getattr(self, name) <= 4096:
                raise InputError(f"fold.{name} is {getattr(self, name)}; it must lie from 16 to 4096")


@dataclass(frozen=True)
class RunConfig:
    """Everything that decides a run's weights, but the data themselves."""

    model: str = "cnn"
    """a name in exojax/models/registry.py"""
    seed: int = 0
    """of the split, the initial weights, the batches and the augmentation"""
    init: str | None = None
    """a run of the same model, by name or path, whose weights a network starts from"""
    data: DataConfig = field(default_factory=DataConfig)
    train: TrainConfig | None = None
    """None is the model's own, which stands in its file"""
    options: dict[str, float | int | str | bool] = field(default_factory=dict)
    """where the model differs from its file: attributes of a network's module, keywords of a classical model's fit"""
    search: SearchConfig = field(default_factory=SearchConfig)
    """how stars are searched for a model that looks at folded curves; its ``max_candidates`` are judged"""
    fold: FoldConfig = field(default_factory=FoldConfig)
    """how what is found is folded for it"""


# The protocol, the same for every model and source (see docs/believe/protocol.md).
TEST_FRACTION = 0.2
VALIDATION_FRACTION = 0.2
MIN_VALIDATION_HOSTS = 20
OUT_OF_FOLD = 3
TUNE_OUTER_FRACTION = 0.25


RENAMED = {"TrainConfig": {"twins": "injected_copies"}}
"""fields that runs of earlier releases hold under another name"""
# Fields that runs of before hold, and that decide nothing any more.
RETIRED = {"SearchConfig": {"batch"}}


def from_dict(kind: type[T], values: Mapping[str, Any], where: str) -> T:
    """Return a configuration from the dictionary that ``dataclasses.asdict`` made of it, as read from JSON.

    Args:
        kind: one of the dataclasses above; fields that are missing keep their defaults.
        values: field name to value.
        where: the file, for messages.

    Raises:
        InputError: an unknown field, or a value of another type.
    """
    if not isinstance(values, Mapping):
        raise InputError(f"{where}: holds no {kind.__name__}: expected an object, as in the config.json of a run")
    hints = get_type_hints(kind)
    names, retired = RENAMED.get(kind.__name__, {}), RETIRED.get(kind.__name__, ())
    values = {names.get(name, name): value for name, value in values.items() if name not in retired}
    unknown = set(values) - set(hints)
    if unknown:
        raise InputError(f"{where}: {kind.__name__} has no {sorted(unknown)[0]!r}; it has {', '.join(hints)}")
    made: dict[str, Any] = {}
    for name, value in values.items():
        hint = hints[name]
        nested = [h for h in (get_args(hint) if get_origin(hint) is UnionType else (hint,)) if is_dataclass(h)]
        if nested and isinstance(value, Mapping):
            made[name] = from_dict(cast(type, nested[0]), value, where)
            continue
        if get_origin(hint) is tuple and isinstance(value, list):
            value = tuple(value)
        wanted = tuple(get_origin(h) or h for h in (get_args(hint) if get_origin(hint) is UnionType else (hint,)))
        if float in wanted and type(value) is int:
            value = float(value)
        # bool is an int to Python, but not to a reader of the file.
        if not isinstance(value, wanted) or (isinstance(value, bool) and bool not in wanted):
            raise InputError(
                f"{where}: {name} is {value!r}, expected {hint if len(wanted) > 1 else wanted[0].__name__}"
            )
        made[name] = value
    try:
        return kind(**made)
    except InputError as error:
        raise InputError(f"{where}: {error}") from None
