"""Reports: found, described, and read whole however many rows they have."""
