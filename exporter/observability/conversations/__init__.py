"""Prompts and answers of LLM calls: numbers of them watched for drift, and no text kept."""
