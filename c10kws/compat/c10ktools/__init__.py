"""c10ktools, of django-c10k-demo, by its names. ``docs/compat.rst``."""
