"""The ways in: behind the SDK's HTTP client, at `/v1/…` for any SDK, and beside it for faults and the clock."""
