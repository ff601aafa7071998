"""What operators ask of a running gateway, and the few things they may tell it."""
