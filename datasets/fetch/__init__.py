"""What uses the network, and what it needs: only `bench data fetch` and `verify` come here."""
