"""What is outside of the product, as processes of their own."""
