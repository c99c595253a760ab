"""Facts become numbers and breaches."""
