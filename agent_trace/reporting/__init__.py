"""How recording stands, and how its sums are told: what command line and page have in common."""
