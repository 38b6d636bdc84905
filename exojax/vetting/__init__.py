"""Test candidates: does the light move with the transit, and what else could a signal be?"""
