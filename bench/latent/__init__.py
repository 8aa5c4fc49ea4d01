"""A look inside the latent space of a fitted model; it makes no rows."""
