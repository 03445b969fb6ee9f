"""support-triage: an agent that sorts and answers tickets, instrumented with OpenInference.

It is a process of its own, apart from rag-assistant, because both instrumentations patch the same ``openai`` client
for the whole process: together they would make two LLM spans of one call, and each call would count twice.
"""
