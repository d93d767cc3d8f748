"""How far each consumer has got: offsets, dead letters and the ledger in files that any process may read."""
