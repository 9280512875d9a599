"""The central service. Start reading at app.py (web) and ingest/worker.py (what nodes report)."""
