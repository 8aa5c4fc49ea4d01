"""One-class networks: a sphere or a hyperplane around the codes of normal samples."""
