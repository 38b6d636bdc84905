"""Name the statistics of a series, which are inputs of the trees, in the order of the columns, with their meaning.

They are computed from the whole series ("all") or from the residuals of a running median of two days ("residuals"),
each in units of its robust scatter, so that they do not depend on the scale of the flux. None depends on the numbers of
cadences and of missing cadences, which would reveal the campaign.
"""

from __future__ import annotations

LAGS = (1, 2, 4, 8, 16)
"""cadences"""
OCTAVES = (0.5, 1.0, 2.0, 4.0, 8.0, 16.0)
"""days; from each to its double the highest autocorrelation is looked for"""
BANDS = (0.25, 0.5, 1.0, 2.0, 4.0, 8.0)
"""days; shares of the power at periods from each to its double"""
QUANTILES = (0.001, 0.01, 0.05, 0.25, 0.75, 0.95, 0.99, 0.999)
BOXES = (3, 7, 15)
"""cadences"""
DIP = 3.0
"""a dip is a run of residuals below minus this"""
DEEP = 5.0

FAMILIES: dict[str, dict[str, str]] = {
    "whole series": {
        "log_spread": "log10 of standard deviation over robust scatter, all",
        "log_slow": "log10 of robust scatter of all over that of the residuals: how much of it is slow",
        "all_q05": "5 % quantile, all",
        "all_q95": "95 % quantile, all",
        "all_skew": "skewness, all",
        "all_eta": "mean square of successive differences over twice the variance, all (von Neumann 1941); 1: white",
    },
    "quantiles": {
        **{f"q{100 * q:g}": f"{100 * q:g} % quantile of the residuals" for q in QUANTILES},
    },
    "shape of the residuals": {
        "skew": "skewness of the residuals",
        "kurtosis": "excess kurtosis of the residuals",
        "log_hops": "log10 of the robust scatter of the residuals' successive differences over the root of 2; 0: white",
    },
    "autocorrelation": {
        **{f"acf_{lag}": f"autocorrelation of the residuals at a lag of {lag} cadences" for lag in LAGS},
        **{f"acf_{a:g}d": f"highest autocorrelation of the residuals at {a:g} to {2 * a:g} days" for a in OCTAVES},
    },
    "periodogram": {
        "all_period": "log10 days at the highest peak of the periodogram, all",
        "all_peak": "share of the power in that peak",
        "all_period_2": "log10 days at the highest peak elsewhere",
        "all_peak_2": "share of the power in it",
        "period": "log10 days at the highest peak of the residuals' periodogram",
        "peak": "log10 of its power over the mean power",
        "period_2": "log10 days at the highest peak elsewhere",
        "peak_2": "log10 of its power over the mean power",
        **{f"power_{a:g}d": f"log10 share of the power at periods of {a:g} to {2 * a:g} days, all" for a in BANDS},
    },
    "dips": {
        "dips": f"number of dips: runs of residuals below -{DIP:g}",
        "deep_dips": f"number of runs of residuals below -{DEEP:g}",
        "rises": f"number of runs of residuals above {DIP:g}",
        "dip_share": "share of the cadences in dips",
        "dip_width": "mean width of dips, days",
        "dip_longest": "width of the longest dip, days",
        "dip_depth": "mean depth in dips",
        "dip_deepest": "depth of the lowest cadence",
        "dip_interval": "log10 of the mean time between starts of dips, days",
        "dip_regular": "standard deviation of these times over their mean: 0 for a clock, 1 for chance",
    },
    "boxes": {
        **{f"box_{width}": f"largest deficit of {width} neighbours' mean, in standard errors" for width in BOXES},
        **{f"bump_{width}": f"largest excess of {width} neighbours' mean, in standard errors" for width in BOXES},
    },
}
"""family -> column -> its meaning; columns of one family have similar information"""
SERIES: dict[str, str] = {name: meaning for family in FAMILIES.values() for name, meaning in family.items()}
