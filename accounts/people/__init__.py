"""People: how they prove who they are, how they come to be members, and what is written to them."""
