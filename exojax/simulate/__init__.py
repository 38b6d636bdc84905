"""A seed -> light curves with truth: stars, planets, impostors and a telescope's habits."""
