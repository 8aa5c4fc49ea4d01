"""The training loop, and the base classes of the methods that it trains."""
