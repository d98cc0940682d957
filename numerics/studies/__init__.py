"""Studies: what is reported of real data and of many separations."""
