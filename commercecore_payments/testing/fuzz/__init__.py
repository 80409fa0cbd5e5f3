"""schemathesis over the whole description of the API, against a sandbox that is served for the occasion."""
