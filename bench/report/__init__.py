"""The page of results: derived from stored rows, can be rebuilt, and works offline.

`page` fills the template of one HTML file, which loads nothing: with a board, with the answer of
`depth`, with `diagrams` and `sections`, and with the `chart_data` that its script draws.
"""
