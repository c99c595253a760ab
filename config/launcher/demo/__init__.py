"""The sample agency: reports written for invented sellers. Pure."""
