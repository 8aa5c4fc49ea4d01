"""Rows in MLflow: derived from stored rows, can be rebuilt, and works offline.

One experiment a suite; one parent run an invocation, made when its first row comes, which holds
the suite's board (`parent_run`); one child run a row (`row_run`). A child carries `fathom.key` (the
row's key) and `fathom.digest` (of the whole record), so that a row is logged once per experiment
and again, in place of the old run, only if its record has changed (`experiment`). A child that a
killed process left unfinished is replaced. Rows that such a process stored and did not log are sent
by the next run of their suite that makes any, and by `bench track`.

Results folders may share a server. Every run carries `fathom.store` (an id kept in the store) and
`fathom.results` (the machine and folder that logged it), and a folder replaces only runs with both
its own: the same row of two folders is two runs.

By default the runs are in `mlflow.db` in the results folder, which can be rebuilt from the store
at any time. MLFLOW_TRACKING_URI names a server instead (`destination`). MLflow takes 1.5 s to
import, so only the functions that need it import it.
"""
