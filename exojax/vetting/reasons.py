"""Write the failed tests of a candidate as texts with the measured number, for tests that raise no other flag."""

from __future__ import annotations

from collections.abc import Mapping

from exojax.vetting.verdict import Verdict

TEXTS = {
    "sweet": "the star varies as a sine at the period, half or twice of it",
    "unique": "other dips or bumps of the fold are as significant, {unique:.1f}σ",
    "albedo": "the secondary needs an albedo of {albedo:.1f}",
    "alike": "depths differ from transit to transit, chi-squared {events_chi:.1f} a degree of freedom",
    "dominance": "one transit has {events_dominance:.0%} of the significance",
    "mean_median": "mean depth {mean_over_median:.1f} times the median's",
    "chases": "events as strong close to the transits",
    "coverage": "transits hardly observed: {filled:.0%} of the fold, {at_gaps:.0%} at gaps",
    "shape": "a transit fits hardly better than a line",
    "asymmetry": "lopsided: both halves differ by {asymmetry:.0f}σ",
    "orbital_light": "light follows the orbit: tides {ellipsoidal:.0f}σ, day side {reflected:.0f}σ",
    "dumps": "{at_dumps:.0%} of the transits at interruptions of the data",
}
"""text by test, with placeholders for the measured numbers"""


def reasons(numbers: Mapping[str, float], verdicts: Mapping[str, Verdict]) -> list[str]:
    """Return a text for each failed test.

    Args:
        numbers, verdicts: as in :class:`exojax.vetting.all_tests.Vetting`.
    """
    return [text.format(**numbers) for name, text in TEXTS.items() if verdicts[name] == "fail"]
