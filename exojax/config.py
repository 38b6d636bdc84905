"""Define every default, as frozen dataclasses: the commands turn them into options, a run into ``config.json``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, is_dataclass
from types import UnionType
from typing import Any, TypeVar, cast, get_args, get_origin, get_type_hints

from exojax.errors import InputError

T = TypeVar("T")

KEPLER_CADENCE_MINUTES = 29.4244
"""minutes between long-cadence samples of Kepler and K2"""


@dataclass(frozen=True)
class SimulateConfig:
    """Settings of a simulated population of K2-like stars."""

    n_stars: int = 2000
    """number of stars, training and test rows together"""
    host_fraction: float = 0.1
    """share of stars whose transits can be seen (SNR >= 7.1 and two or more transits)"""
    n_cadences: int = 3197
    """number of cadences per star, gaps included, at 29.4 minutes"""
    close_gaps: bool = False
    """remove the campaign's gaps and join the pieces, as the authors of the Kaggle set may have done"""
    seed: int = 0
    """the same seed gives the same stars"""
    population: str = "synthetic"
    """synthetic | synthetic-kaggle | fresh | benchmark; two populations never share a star, whatever their seeds"""


SIMULATED = {
    "synthetic": SimulateConfig(),
    "synthetic-kaggle": SimulateConfig(n_stars=5657, host_fraction=42 / 5657, population="synthetic-kaggle"),
}
"""settings of the sources that need no file; ``synthetic-kaggle`` has the sizes and the imbalance of the Kaggle set"""
SIMULATED_TEST_FRACTION = {"synthetic": 0.3, "synthetic-kaggle": 570 / 5657}
"""share of the simulated stars that are test stars"""


@dataclass(frozen=True)
class TeachMix:
    """Share of each kind of star in a pre-training population; the shares add up to 1."""

    planet: float = 0.40
    """stars with one to four transiting planets"""
    binary: float = 0.11
    """stars that are eclipsing binaries"""
    blend: float = 0.20
    """stars with a fainter eclipsing binary in their aperture, in the foreground, in the background or bound to them"""
    contact: float = 0.05
    """contact binaries"""
    rotator: float = 0.05
    """stars with spots"""
    pulsator: float = 0.03
    """delta Scuti, gamma Doradus and RR Lyrae stars"""
    flare: float = 0.02
    """stars with flares"""
    systematic: float = 0.05
    """stars with strong signals at the spacecraft's own periods"""
    glitch: float = 0.05
    """stars with drops of sensitivity, ramps and isolated dips"""
    quiet: float = 0.04
    """stars with noise and weak granulation only"""


@dataclass(frozen=True)
class TeachConfig:
    """Settings of a pre-training population of transits and false positives; its rates are not those of the sky."""

    mission: str = "kepler"
    """kepler | k2 | tess | coarse (flattened Kepler curves in bins of 0.05 days, at most 1,500 bins)"""
    n_stars: int = 2000
    """number of stars"""
    seed: int = 0
    """the same seed gives the same stars"""
    mix: TeachMix = field(default_factory=TeachMix)
    """share of each kind of star"""


@dataclass(frozen=True)
class DataConfig:
    """Settings of the data source: where the light curves are, and how to read them."""

    source: str = "auto"
    """auto | synthetic | synthetic-kaggle | a folder with exoTrain.csv and exoTest.csv | one such CSV | an .npz of
    light curves or of folded events | a folder or glob of FITS files or tables of single stars | one such file"""
    cadence_minutes: float | None = None
    """minutes between samples of rows without a time axis; None assumes 29.4244"""
    labels: str | None = None
    """path of a CSV with id,label, for stars whose files have no label"""
    positive: tuple[str, ...] = ("PC",)
    """dispositions that count as hosts, where a file has several"""
    rows: str = "all"
    """rest: all stars except those that are set aside, a fifth of the stars with a catalogue number | set-aside: only
    those | all"""
    simulate: SimulateConfig = field(default_factory=SimulateConfig)
    """the population of ``synthetic`` and ``synthetic-kaggle``"""
    flux_unit: str | None = None
    """relative | ppm | ppt | percent | counts | magnitudes | mmag, for files of single stars that do not state it"""
    time_unit: str | None = None
    """days | hours | minutes | seconds, for files of single stars that do not state it"""
    clock: str | None = None
    """BJD | BTJD | BKJD | HJD | JD | MJD, for files of single stars that do not state it"""


@dataclass(frozen=True)
class TrainConfig:
    """Settings of the training of a network. The defaults of a model stand in its own file."""

    steps: int = 600
    """number of training steps"""
    batch_size: int = 64
    """stars per step; half of them are hosts"""
    learning_rate: float = 2e-3
    """largest learning rate"""
    warmup: float = 0.05
    """share of the steps in which the learning rate rises to its peak; afterwards it falls to 2 % of the peak as a
    cosine"""
    constant: bool = False
    """keep the learning rate constant"""
    weight_decay: float = 1e-2
    """weight decay of AdamW; 0 is plain Adam"""
    adam_epsilon: float = 1e-8
    """epsilon of Adam; it must lie well above gradients that are rounding errors"""
    clip_norm: float = 1.0
    """largest norm of the gradient; longer gradients are scaled to it"""
    average_decay: float = 0.99
    """decay per step of the running average of the weights, which is evaluated and stored; 0 stores the last weights"""
    evaluate_every: int = 50
    """steps between validations and checkpoints"""
    patience: int = 8
    """validations without a better average precision before training stops; used only with enough validation hosts"""
    passes: float = 0.0
    """training stops after this many passes over the larger class, even before ``steps``; 0 sets no limit"""
    host_passes: float = 0.0
    """the same for the smaller class, because a network memorises a few hosts within some hundred passes; 0 sets no
    limit"""
    members: int = 1
    """number of networks trained from different seeds; their log-odds are averaged"""
    inject: float = 0.0
    """weight of injected transits, in hosts: with H training hosts, a share inject / (inject + H) of the positives of a
    batch are training non-hosts with a simulated transit signal"""

    injected_copies: int = 0
    """with fewer training hosts than this number, copies of other training stars with an injected planet that the
    search detects fill it up; only for networks that read folded light curves"""

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


TOLERANCES = 4.0
"""shortest period of the tolerant search, in tolerances; at shorter periods the tolerance would reach the next transit
"""


@dataclass(frozen=True)
class SearchConfig:
    """Settings of the transit search. Periods and durations are in days, ``ttv`` is in hours."""

    period_min: float = 0.17
    """shortest period, days"""
    period_max: float | None = None
    """longest period, days; None is half of the baseline, but at most 500"""
    duration_min: float = 1 / 24
    """shortest transit, days"""
    duration_max: float = 0.5
    """longest transit, days; a transit never lasts longer than a quarter of its period"""
    window: float | None = None
    """width of the running biweight that removes the star's variability, days; None is the larger of 2 days and
    ``4 * duration_max``"""
    snr_min: float = 7.1
    """lowest red-noise SNR of a star's second and further candidates, and of single transits"""
    max_candidates: int = 3
    """largest number of candidates per star; the best peak of a star always counts, even below ``snr_min``"""
    ttv: float = 0.0
    """largest deviation of a transit from a linear ephemeris, hours: a second search allows it, at periods of four
    times ``ttv`` or more; 0 searches only for transits on time"""

    def __post_init__(self) -> None:
        longest = float("inf") if self.period_max is None else self.period_max
        if not 0 <= self.ttv < float("inf") or (self.ttv and TOLERANCES * self.ttv / 24 >= longest):
            most = "" if self.period_max is None else f" below {24 * longest / TOLERANCES:.4g}, a quarter of period_max"
            raise InputError(f"search.ttv is {self.ttv:g}; give hours, 0 or more{most and ' and' + most}")

    @property
    def window_days(self) -> float:
        """Width of the detrending window, days: ``window``, or the default where that is None."""
        return max(2.0, 4 * self.duration_max) if self.window is None else self.window


@dataclass(frozen=True)
class FoldConfig:
    """Settings of the views into which a candidate's light curve is folded."""

    global_bins: int = 201
    """number of bins of the views of the whole phase"""
    local_bins: int = 61
    """number of bins of the views around an event"""

    def __post_init__(self) -> None:
        for name in ("global_bins", "local_bins"):
            if not 16 <= getattr(self, name) <= 4096:
                raise InputError(f"fold.{name} is {getattr(self, name)}; it must lie from 16 to 4096")


@dataclass(frozen=True)
class RunConfig:
    """Settings of a run. Together with the data they determine its weights."""

    model: str = "cnn"
    """name of a model, as in exojax/models/registry.py"""
    seed: int = 0
    """seed of the split, the initial weights, the batches and the augmentation"""
    init: str | None = None
    """name or path of a run of the same model; a network starts from its weights"""
    data: DataConfig = field(default_factory=DataConfig)
    """the data source"""
    train: TrainConfig | None = None
    """settings of the training; None takes the defaults of the model"""
    options: dict[str, float | int | str | bool] = field(default_factory=dict)
    """changes to the model: attributes of a network's module, or keywords of a classical model's fit"""
    search: SearchConfig = field(default_factory=SearchConfig)
    """the transit search for a model that reads folded curves; the model scores ``max_candidates`` of each star"""
    fold: FoldConfig = field(default_factory=FoldConfig)
    """the views of each candidate, for such a model"""


# The protocol of training and test, the same for every model and source (see docs/believe/protocol.md).
TEST_FRACTION = 0.2
"""share of the stars that are test stars"""
VALIDATION_FRACTION = 0.2
"""share of the other stars that are validation stars"""
MIN_VALIDATION_HOSTS = 20
"""number of validation hosts below which training takes a fixed number of steps and Platt calibration"""
OUT_OF_FOLD = 3
"""folds of the training rows whose scores set the threshold where there are too few validation hosts"""
TUNE_OUTER_FRACTION = 0.25
"""share of the training stars that no trial of a tuning uses"""


RENAMED = {"TrainConfig": {"twins": "injected_copies"}}
"""fields that have another name in the config.json of earlier releases: class -> old name -> new name"""
RETIRED = {"SearchConfig": {"batch"}}
"""fields of earlier releases that no longer have an effect: class -> names"""


def from_dict(kind: type[T], values: Mapping[str, Any], where: str) -> T:
    """Return a configuration from its dictionary, as ``dataclasses.asdict`` returns it and JSON stores it.

    Args:
        kind: a dataclass of this module; missing fields keep their defaults.
        values: field name to value.
        where: the file, for messages.

    Raises:
        InputError: ``values`` is no mapping, a field is unknown, or a value has a wrong type.
    """
    if not isinstance(values, Mapping):
        raise InputError(f"{where}: expected a {kind.__name__} as a JSON object, as in the config.json of a run")
    hints = get_type_hints(kind)
    names, retired = RENAMED.get(kind.__name__, {}), RETIRED.get(kind.__name__, ())
    values = {names.get(name, name): value for name, value in values.items() if name not in retired}
    unknown = set(values) - set(hints)
    if unknown:
        raise InputError(
            f"{where}: {kind.__name__} has no field {sorted(unknown)[0]!r}; its fields are {', '.join(hints)}"
        )
    made: dict[str, Any] = {}
    for name, value in values.items():
        hint = hints[name]
        nested = [h for h in (get_args(hint) if get_origin(hint) is UnionType else (hint,)) if is_dataclass(h)]
        if nested and isinstance(value, Mapping):
            made[name] = from_dict(cast(type, nested[0]), value, where)
            continue
        if get_origin(hint) is tuple and isinstance(value, list):
            value = tuple(value)
        kinds = tuple(get_origin(h) or h for h in (get_args(hint) if get_origin(hint) is UnionType else (hint,)))
        if float in kinds and type(value) is int:
            value = float(value)
        # In Python a bool is an int; in the file, true in place of a number is a mistake.
        if not isinstance(value, kinds) or (isinstance(value, bool) and bool not in kinds):
            raise InputError(f"{where}: {name} is {value!r}, expected {hint if len(kinds) > 1 else kinds[0].__name__}")
        made[name] = value
    try:
        return kind(**made)
    except InputError as error:
        raise InputError(f"{where}: {error}") from None
