"""The append-only files of one process: segments, rotation, retention, the switch beside them."""
