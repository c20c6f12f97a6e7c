"""Benchmarks: ratios and figures measured in one run, printed as tables. Never asserted on."""
