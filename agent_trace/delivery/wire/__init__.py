"""Speaking to backends: what a record becomes in their words, and one bounded request at a time."""
