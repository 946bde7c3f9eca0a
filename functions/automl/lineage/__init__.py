"""Which model follows which: models, registry, champion, approval."""
