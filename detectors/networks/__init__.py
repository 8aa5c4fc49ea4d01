"""Parts of networks and their losses; training and scoring are elsewhere."""
