"""The periodogram in float64, one trial at a time, straight from its definition; and light curves to try it on."""

import numpy as np

from exojax.detection.period_grid import inner


def light_curve(n_cadences, seed):
    """Make flux and weight ``(n_cadences,)``: noise about any level, gaps, weights of 64ths up to 4, perhaps dips."""
    rng = np.random.default_rng(seed)
    weight = rng.integers(1, 4 * 64 + 1, n_cadences) / 64 if rng.random() < 0.6 else np.ones(n_cadences)
    weight *= rng.random(n_cadences) > rng.uniform(0.0, 0.4)
    start = rng.integers(0, n_cadences)
    weight[start : start + rng.integers(0, n_cadences // 3)] = 0
    flux = rng.standard_normal(n_cadences) + rng.uniform(-3, 3)
    depth, period = rng.choice([0.0, 1.0, 10.0, 300.0]), np.exp(rng.uniform(np.log(5), np.log(n_cadences / 3)))
    flux -= depth * ((np.arange(n_cadences) + rng.uniform(0, 99)) % period < rng.uniform(1, 0.2 * period + 2))
    return np.where(weight > 0, flux, 0).astype(np.float32), weight.astype(np.float32)


def round_half_up(values):
    return np.floor(np.asarray(values) + 0.5).astype(int)


def row_starts(band, trial, rows):
    """Return the bin at which each row of a trial's fold begins.

    Rows of a block stand to each other as at the middle period of the group; a block is moved by what its middle row is
    late at the trial's own.
    """
    row, period = np.arange(rows), band.periods[trial]
    if band.group == 1:
        return round_half_up(row * period)
    begin = trial // band.group * band.group
    middle = band.periods[(begin + min(begin + band.group, len(band.periods))) // 2]
    block = row // band.block
    return round_half_up(row * middle) + round_half_up((block + 0.5) * band.block * (period - middle))


def snr(flux, weight, band, trial):
    """Return the highest SNR at one trial period: rows laid over each other, every window summed by itself."""
    weight = weight.astype(np.float64)
    total = max(weight.sum(), 1.0)
    weighted = weight * (flux - (weight * flux).sum() / total)
    n_bins, longest = -(-len(flux) // band.bin), int(band.durations.max())
    period = band.periods[trial]
    columns, rows = int(np.ceil(period)), int(np.ceil((longest + n_bins) / band.periods.min())) + 2
    # The data begin the longest duration after the first row does, so that no window is cut.
    starts = row_starts(band, trial, rows)
    room = np.zeros((2, longest + n_bins + starts[-1] + columns + longest + 1))
    for into, values in zip(room, (weighted, weight)):
        padded = np.pad(values, (0, n_bins * band.bin - len(values)))
        into[longest : longest + n_bins] = padded.reshape(n_bins, band.bin).sum(axis=1)
    folded, measured = room[:, starts[:, None] + np.arange(columns + longest - 1)].sum(axis=1)
    best = 0.0
    for duration in band.durations.tolist():
        template = np.full(duration, 0.5)
        outside = (duration - inner(duration)) // 2
        template[outside : duration - outside] = 1.0
        s = np.correlate(folded, template)[:columns]
        a1, a2 = np.correlate(measured, template)[:columns], np.correlate(measured, template**2)[:columns]
        # A window that holds all or nothing of the weight shows nothing.
        norm = np.maximum(a2 * total - a1**2, 0.25)
        best = max(best, np.max(np.where(s < 0, s**2 * total / norm, 0.0)))
    return np.sqrt(best)
