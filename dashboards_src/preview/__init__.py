"""The generated dashboards without Grafana: one local page, drawn from the live Prometheus and Loki."""
