"""A believable agency, made up from a seed and dated from today, that comes in through the product's own doors."""
