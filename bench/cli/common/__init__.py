"""What several commands share: options, output, errors, and the selection of rows."""
