"""Holds every answer that the tests receive from the API against its own description."""
