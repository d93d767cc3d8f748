"""The page on a local store: one route a question, pages written by the server, nothing changed but the switch."""
