# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Looking at the light curves first
#
# The Kaggle project "Exoplanet Hunting in Deep Space" begins with 5,087 brightness series of 3,197 values each, 37 of
# them of stars with a known planet. Here the same first look is taken, at the Kaggle files if they lie in `data/`,
# else at simulated stars of the same kind, fewer of them so that the page is made in a minute.

# %%
import io
import os

import numpy as np
from IPython.display import Image, display

from exojax.config import DataConfig, SimulateConfig
from exojax.features.registry import compute
from exojax.io.source import open_source
from exojax.report import figures
from exojax.report.style import HOST, OTHER, single, styled

stars = int(os.environ.get("EXOJAX_NOTEBOOK_STARS", "240"))
source = open_source(DataConfig("auto", simulate=SimulateConfig(n_stars=stars, host_fraction=0.2, n_cadences=1600)))
curves = source.rows()
host = curves.label == 1
print(source.description)
print(f"{len(curves):,} stars of {curves.flux.shape[1]:,} values, {host.sum()} of them with a planet")


def show(figure):
    image = io.BytesIO()
    figure.savefig(image, format="png", dpi=50)  # small, for the page to stay small
    display(Image(image.getvalue()))


# %% [markdown]
# **The first trap is the counting.** Who says "no planet" of every star is right nearly always on the Kaggle set
# (99.3 % of its rows), and has found nothing. So nothing here is ever judged by accuracy, but by how far up a ranking
# the hosts come: average precision, which is the share of hosts for a ranking by chance.

# %%
print(f"always 'no': accuracy {1 - host.mean():.1%}, average precision {host.mean():.3f}")

# %% [markdown]
# ## Hosts and others
# Dips of a planet recur and are of one depth. Most of what moves a curve is the star and the spacecraft.

# %%
rows = np.concatenate([np.flatnonzero(host)[:3], np.flatnonzero(~host)[:3]])
titles = [figures.star_title(str(curves.id[row]), None, int(host[row])) for row in rows]
colours = [HOST if host[row] else OTHER for row in rows]
panels = (curves.time[rows], curves.flux[rows], curves.valid[rows])
unit = "relative flux" if curves.absolute else "flux (file's units)"
show(figures.light_curves(*panels, titles, title="As they come", flux_unit=unit, colours=colours))

# %% [markdown]
# Taking the slow variation off (a running median, robust, two days wide) leaves dips where they are. Clipping
# "outliers" downwards, as many a notebook does, would have removed the transits themselves.

# %%
flat = compute(("flat",), curves)["flat"]
panels = (curves.time[rows], flat[rows], curves.valid[rows])
show(figures.light_curves(*panels, titles, title="Flattened", flux_unit="star's scatter", colours=colours))

# %% [markdown]
# ## What a number can tell
# The deepest dip alone hardly tells hosts from others: eclipsing binaries and glitches dip deeper.

# %%
deepest = -np.where(curves.valid, flat, 0).min(axis=1)


@styled
def deepest_dips():
    figure, axes = single()
    bins = np.geomspace(max(deepest.min(), 0.5), deepest.max(), 25)
    for chosen, colour, name in ((~host, OTHER, "no known planet"), (host, HOST, "host")):
        axes.hist(deepest[chosen], bins, density=True, histtype="step", color=colour, label=name)
    axes.set(xscale="log", xlabel="deepest dip, in units of the star's scatter", ylabel="density")
    axes.legend()
    return figure


show(deepest_dips())

# %% [markdown]
# ## In frequency
# A series of short dips at one period is a comb of harmonics. The original project gave its classifier the spectrum.

# %%
spectrum = compute(("spectrum",), curves)["spectrum"]


@styled
def mean_spectra():
    figure, axes = single()
    for chosen, colour, name in ((~host, OTHER, "no known planet"), (host, HOST, "host")):
        axes.plot(spectrum[chosen].mean(axis=0), color=colour, label=name, linewidth=1)
    axes.set(xlabel="frequency bin", ylabel="mean log power")
    axes.legend()
    return figure


show(mean_spectra())

# %% [markdown]
# The means differ little. Next: [modelling](modelling.ipynb).
