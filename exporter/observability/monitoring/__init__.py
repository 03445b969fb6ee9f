"""Models in production: what is stored is watched, feature by feature and label by label, in constant memory."""
