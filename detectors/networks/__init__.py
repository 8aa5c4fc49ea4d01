"""Parts of networks and their losses: nothing here trains or scores."""
