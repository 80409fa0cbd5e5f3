"""What `manage.py doctor` looks at: whether this service is configured as it has to be, reached, and at work."""
