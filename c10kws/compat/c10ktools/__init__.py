"""The names of c10ktools, of django-c10k-demo. See ``docs/how-to/django-c10k-demo.rst``."""
