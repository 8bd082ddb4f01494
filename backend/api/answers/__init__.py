"""Bodies of answers. Each says up to which block it counts; nothing pending is shown as done (B2)."""
