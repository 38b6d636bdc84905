"""An ephemeris that other stars share: a bright binary or the spacecraft causes dips in many apertures.

Matches are found over a whole survey (:mod:`exojax.detection.ephemeris_match`, after Coughlin et al. 2014).
"""

from __future__ import annotations

from dataclasses import dataclass

from exojax.vetting.verdict import Verdict, above

SHARED = (1, 2)
"""number of other stars with the ephemeris: inconclusive from the first value, failed from the second"""


@dataclass(frozen=True)
class SharedEphemeris:
    """The number of other stars with a candidate's ephemeris, and the verdict on it."""

    stars: int
    verdict: Verdict


def shared_ephemeris(matches: str, surveyed: int) -> SharedEphemeris:
    """Return the number of other stars that have the ephemeris, with a verdict.

    Args:
        matches: text as for :func:`other_stars`.
        surveyed: number of stars that were searched together; for a single star the verdict is "not known".
    """
    stars = other_stars(matches)
    return SharedEphemeris(stars, above(float(stars), *SHARED) if surveyed > 1 else "not known")


def other_stars(matches: str) -> int:
    """Return the number of other stars in a text of :func:`exojax.detection.ephemeris_match.match_candidates`.

    Args:
        matches: ``star:ratio`` of the candidates of other stars joined with ``;``, and ``+n`` for ``n`` further stars.
            Names of known planets are not counted.
    """
    parts = [part for part in matches.split(";") if part]
    more = sum(int(part[1:]) for part in parts if part.startswith("+") and part[1:].isdigit())
    return more + sum(part.rsplit(":", 1)[-1] in ("1", "2", "1/2") for part in parts if not part.startswith("+"))
