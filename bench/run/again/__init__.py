"""Stored rows made once more: for a debugger, for pictures, and to verify them."""
