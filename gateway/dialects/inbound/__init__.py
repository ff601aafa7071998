"""Other vendors' request formats at our own door, told as chat completions and back: pure translation."""
