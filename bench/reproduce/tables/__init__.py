"""The published tables: what each reports, and under which protocol it was made."""
