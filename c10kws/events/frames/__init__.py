"""The frames of the event protocol as text; no clients, no connections."""
