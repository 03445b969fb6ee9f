"""A model in production: two versions of a classifier, trained on a data set that scikit-learn brings."""
