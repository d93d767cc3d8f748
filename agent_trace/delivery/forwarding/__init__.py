"""From segments to batches: reading on, gathering what belongs together, sending, and waiting after a failure."""
