"""Rules, alerts and their tests as code; `python -m deploy.monitoring.build` writes the files."""
