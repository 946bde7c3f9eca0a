"""How a run ends: its result, its cost, and what a failure leaves behind."""
