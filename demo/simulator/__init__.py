"""A local provider that speaks OpenAI's HTTP API, with known latencies, errors and token counts.

Two things make it more than a stub: what it answers follows from the request (retrieval, JSON schemas and tool calls
work), and its ledger (``GET /admin/ledger``) is the truth that the stack's numbers are compared with.
"""
