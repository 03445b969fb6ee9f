"""Grafana dashboards as code: the generator, the query list that tests use, and the preview."""
