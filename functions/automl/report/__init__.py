"""report.html of a run: one page that a person can read, keep and print without network."""
