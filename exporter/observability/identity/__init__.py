"""Which spans speak of the same call, whatever order and in however many batches they come."""

from observability.identity.resolve import Resolved, Resolver

__all__ = ["Resolved", "Resolver"]
