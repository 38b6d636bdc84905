"""Write files in one step, and read them back with checks: JSON, arrays, the cache, checksums."""
