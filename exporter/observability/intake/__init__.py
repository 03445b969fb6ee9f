"""What comes in: bodies on the wire → decoded, checked batches."""
