"""Benchmarks of the service: figures as ratios within one run, on PostgreSQL. No test passes or fails by them."""
