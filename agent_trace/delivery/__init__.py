"""From the journal to elsewhere: reading segments that other processes write, and passing records on."""
