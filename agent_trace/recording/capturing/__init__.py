"""Any Python value as bounded JSON: what arguments and results look like in a record."""
