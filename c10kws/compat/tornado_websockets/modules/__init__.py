"""The ancestor's modules."""
