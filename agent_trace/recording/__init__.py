"""What runs inside the user's call: span, capture, redaction, journal. No network, no SQL, no thread."""
