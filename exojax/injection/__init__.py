"""Put simulated planets into measured light curves, and count which of them are found again."""
