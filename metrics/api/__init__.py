"""Views, serializers and filters of metrics, breaches and thresholds."""
