"""Simulate light curves with known truth from a seed: stars, planets, false positives and systematic effects."""
