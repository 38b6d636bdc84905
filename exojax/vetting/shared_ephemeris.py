"""An ephemeris that other stars share: a bright binary or the spacecraft leaves its dips in many apertures.

Matches are found over a whole survey (:mod:`exojax.detection.ephemeris_match`, after Coughlin et al. 2014).
"""

from __future__ import annotations

from dataclasses import dataclass

from exojax.vetting.verdict import Verdict, above

SHARED = (1, 2)
"""other stars with the ephemeris: from the first inconclusive, from the second it fails"""


@dataclass(frozen=True)
class SharedEphemeris:
    """How many other stars have a candidate's ephemeris, and whether that speaks against a planet."""

    stars: int
    verdict: Verdict


def shared_ephemeris(matches: str, surveyed: int) -> SharedEphemeris:
    """Return how many other stars have the ephemeris.

    Args:
        matches: as of :func:`other_stars`.
        surveyed: stars that were searched together; with one alone: "not known".
    """
    stars = other_stars(matches)
    return SharedEphemeris(stars, above(float(stars), *SHARED) if surveyed > 1 else "not known")


def other_stars(matches: str) -> int:
    """Return the number of other stars in a text of :func:`exojax.detection.ephemeris_match.match_candidates`.

    Args:
        matches: ``star:ratio`` of other stars' candidates joined with ``;``, and ``+n`` for those not named; a known
            planet's name counts for none.
    """
    parts = [part for part in matches.split(";") if part]
    more = sum(int(part[1:]) for part in parts if part.startswith("+") and part[1:].isdigit())
    return more + sum(part.rsplit(":", 1)[-1] in ("1", "2", "1/2") for part in parts if not part.startswith("+"))
