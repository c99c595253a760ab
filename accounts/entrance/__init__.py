"""How people come in, over HTTP: /v1/auth/."""
