"""Rooms over several processes: c10kws with each broker, and Channels with its Redis layers."""
