"""What several tests import; no tests stand here."""
