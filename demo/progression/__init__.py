"""A model in production: two versions of a regression, trained on a data set that scikit-learn brings."""
