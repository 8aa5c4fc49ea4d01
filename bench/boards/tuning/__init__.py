"""Methods as distributions over their settings: what choosing among them changes."""
