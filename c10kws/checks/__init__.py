"""System checks of the settings, of ``TORNADO`` and of the EventSockets."""
