"""Other stars with the same ephemeris are counted; one star alone shares nothing that can be known."""

from exojax.vetting.shared_ephemeris import other_stars, shared_ephemeris


def test_named_and_counted_stars_add_up() -> None:
    assert shared_ephemeris("", 100).stars == 0
    assert shared_ephemeris("", 100).verdict == "pass"
    assert shared_ephemeris("star 5:1", 100).verdict == "inconclusive"
    assert shared_ephemeris("star 5:1;star 6:1/2;+3", 100).stars == 5
    assert shared_ephemeris("star 5:1;star 6:1/2;+3", 100).verdict == "fail"
    # A known planet's name is no other star.
    assert shared_ephemeris("Kepler-5 b", 100).stars == 0


def test_a_star_alone_is_not_known() -> None:
    assert shared_ephemeris("", 1).verdict == "not known"


def test_halves_and_doubles_count_and_those_not_named_too() -> None:
    assert other_stars("") == 0
    assert other_stars("a:1;b:2;c:1/2") == 3
    assert other_stars("a:1;b:1;c:1;d:1;e:1;+12") == 17
