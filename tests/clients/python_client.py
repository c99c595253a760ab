# ruff: noqa: INP001  it is copied beside the package
"""Call a running server with the client that openapi-python-client generated."""

import os

from underone_client import AuthenticatedClient
from underone_client.api.accounts import list_accounts
from underone_client.api.metrics import list_metrics
from underone_client.api.webhooks import create_webhook_endpoint
from underone_client.models import AccountList, AccountMetrics, CreatedEndpoint, CreateEndpointRequest

client = AuthenticatedClient(base_url=os.environ["UNDERONE_URL"], token=os.environ["UNDERONE_KEY"])

accounts = list_accounts.sync(client=client, limit=10)
assert isinstance(accounts, AccountList), accounts
account = accounts.data[0]

metrics = list_metrics.sync(account.id, client=client)
assert isinstance(metrics, AccountMetrics), metrics

endpoint = create_webhook_endpoint.sync(
    client=client, body=CreateEndpointRequest(url="https://hooks.example.com/python")
)
assert isinstance(endpoint, CreatedEndpoint), endpoint

print(f"openapi-python-client: {account.name}, {len(metrics.metrics)} series, {endpoint.id}")  # noqa: T201  it is read by the test
