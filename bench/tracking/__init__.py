"""Rows in MLflow: derived from stored rows, can be rebuilt, and works offline."""
