"""Test that damaged samples are loaded or rejected as a whole.

MUTATED_SAMPLES=500 sends that many of each sample; the default is a few.
"""

import os
import random
from pathlib import Path

import pytest

from accounts.agencies import lifecycle as agencies
from tests.client import Client
from tests.conftest import NOON
from tests.ingestion.reports.test_mutations import KINDS_OF_MUTATION

SAMPLES = Path(__file__).parent.parent / "samples"
DOCUMENTS = sorted(
    path for path in SAMPLES.glob("*/*") if path.name not in {"0_json_schema.json", "README.md"}
)
MUTATIONS = int(os.environ.get("MUTATED_SAMPLES", "6"))
HOMES = ("US", "US", "DE", "JP", "MX")


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_damaged_sample_is_loaded_or_rejected_with_reason(committed_db: None, path: Path) -> None:
    nord = Client(*agencies.create_agency(name="Nord", now=NOON))
    shop = nord.take_on()

    for seed in range(MUTATIONS):
        chance = random.Random(f"{path.name} {seed}")
        document = path.read_bytes()
        for mutate in chance.choices(KINDS_OF_MUTATION, k=chance.choice((1, 1, 2))):
            document = mutate(document, chance)
        before = nord.read(f"/v1/accounts/{shop}/metrics")

        report = nord.load(shop, document, marketplace=chance.choice(HOMES))

        rows = report["rows"]
        assert report["status"] in {"loaded", "rejected"}, (seed, report)
        assert (
            rows["read"]
            == rows["new"] + rows["changed"] + rows["unchanged"] + rows["rejected"] + rows["set_apart"]
        ), (
            seed,
            report,
        )
        if report["status"] == "loaded":
            assert (bool(report["encoding"]), bool(report["encoding_reason"])) == (True, True), (seed, report)
        elif not report["duplicate"]:
            assert report["problem"]["detail"], (seed, report)
            assert nord.read(f"/v1/accounts/{shop}/metrics")["metrics"] == before["metrics"], (seed, report)
