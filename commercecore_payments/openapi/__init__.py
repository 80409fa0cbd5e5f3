"""The API described: OpenAPI 3.1, from each app's `schema.py`, the request serializers and the table of errors."""
