"""support-triage: an agent that sorts and answers tickets, instrumented with OpenInference.

It is a process of its own, apart from rag-assistant, because both instrumentations patch the same ``openai`` client
for the whole process: together they make two spans of one call, which is what research-agent shows.
"""
