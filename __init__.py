"""capmix: choose financing instruments and hardware purchases together, under limits on the tail of the cash outcome."""
