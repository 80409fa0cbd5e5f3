"""What Prometheus is told: docs/monitoring.md lists it all.

What happens in a process is counted in it: requests and calls to Stripe. What waits is read from the database at each scrape,
which is right for any number of processes.
"""
