"""The Django project that c10kws, Channels and the servers of pages share."""
