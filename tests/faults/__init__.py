"""Faults and fuzz: seeded campaigns, long by `make faults` and `make fuzz`, short as tests."""
