"""One node in a store: camera -> detect -> track -> identify -> zones -> outbox. Read edge/pipeline.py first."""
