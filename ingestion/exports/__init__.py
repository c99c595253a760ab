"""Archives of all that is stored of an agency or an account."""
