"""Faults that were ordered: their kinds, the header that brings one along, and the plans that are still to happen."""
