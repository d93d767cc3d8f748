"""No secret in what is written: rules as data, one gate over raw bytes, an exact second look."""
