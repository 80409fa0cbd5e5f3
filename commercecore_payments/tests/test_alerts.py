"""docs/monitoring/alerts.yml beside a real scrape and docs/runbooks.md, and docs/monitoring.md beside what is exported."""

import operator
import re
from datetime import timedelta
from typing import Any

import pytest
import yaml
from django.test import Client
from prometheus_client import Counter, Histogram

from commercecore_payments import clock
from commercecore_payments.heartbeats import Heartbeat
from commercecore_payments.metrics.described import DESCRIBED, PREFIX
from commercecore_payments.metrics.registry import REGISTRY
from commercecore_payments.tests.service import PROJECT_DIR
from commercecore_payments.tests.tenants import Tenant
from commercecore_payments.tests.test_metrics import TOKEN, Samples, samples
from gateway.models import Operation
from gateway.tests.faults import refuse_connection, stripe_fails, time_out_before
from reconciliation.by_worker import LATE_AFTER
from sandbox.faults.plans import order

DOCS = PROJECT_DIR / "docs"
RULES: list[dict[str, Any]] = [
    rule for group in yaml.safe_load((DOCS / "monitoring" / "alerts.yml").read_text())["groups"] for rule in group["rules"]
]
# A rule about one value: `max(name{label=~"a|b"}) > 600`, for each label that it is split by.
SIMPLE = re.compile(
    r"(?:max(?: by \(\w+\))?\()?(?P<name>commercecore_\w+)(?:\{(?P<label>\w+)=~?\"(?P<values>[^\"]+)\"\})?\)? "
    r"(?P<compares>[<>]|==) (?P<bound>[0-9]+)"
)
COMPARISONS = {"<": operator.lt, ">": operator.gt, "==": operator.eq}
# A series of ours as a rule names it, with what its labels have to be, and each of these.
SERIES = re.compile(r"(?P<name>commercecore_\w+)(?:\{(?P<matchers>[^}]*)\})?")
MATCHER = re.compile(r"(?P<label>\w+)(?P<how>=~|!~|!=|=)\"(?P<value>[^\"]*)\"")
GROUPED = re.compile(r"\bby \(([^)]*)\)")
# What is told of histograms and counters beside their names.
SUFFIXES = re.compile(r"_(total|bucket|count|sum)$")


def exported() -> set[str]:
    """The names of all metrics, as they stand in the text that Prometheus reads."""
    counted = {sample.name for family in REGISTRY.collect() for sample in family.samples}
    families = {f"{family.name}_total" if family.type == "counter" else family.name for family in REGISTRY.collect()}
    read = {PREFIX + name + ("_total" if described.is_counter else "") for name, described in DESCRIBED.items()}
    return counted | families | read


def labels_of_series() -> dict[str, set[str]]:
    """The labels of each series, by its name in the text that Prometheus reads."""
    series: dict[str, set[str]] = {}
    for metric in REGISTRY._collector_to_names:
        assert isinstance(metric, Counter | Histogram)
        labels = set(metric._labelnames)
        if isinstance(metric, Counter):
            series[f"{metric._name}_total"] = labels
        else:
            series |= {f"{metric._name}_bucket": labels | {"le"}, f"{metric._name}_sum": labels, f"{metric._name}_count": labels}
    read = {PREFIX + name + ("_total" if one.is_counter else ""): set(one.labels) for name, one in DESCRIBED.items()}
    return series | read


def series_of(rule: dict[str, Any]) -> list[tuple[str, list[tuple[str, str, str]]]]:
    """The series that a rule names, each with its matchers: label, operator and value."""
    return [(one["name"], MATCHER.findall(one["matchers"] or "")) for one in SERIES.finditer(rule["expr"])]


def firing(found: Samples) -> set[str]:
    """The alerts whose simple rule holds of a scrape."""
    return {rule["alert"] for rule in RULES if (match := SIMPLE.fullmatch(rule["expr"])) and _holds(match, found)}


def _holds(match: re.Match[str], found: Samples) -> bool:
    wanted = (match["values"] or "").split("|")
    compares, bound = COMPARISONS[match["compares"]], int(match["bound"])
    return any(
        compares(value, bound)
        for (name, labels), value in found.items()
        if name == match["name"] and (match["label"] is None or dict(labels)[match["label"]] in wanted)
    )


@pytest.fixture
def token(settings: Any) -> None:
    settings.METRICS_TOKEN = TOKEN


class TestTheAlerts:
    @pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule["alert"])
    def test_name_metrics_that_are_exported_and_a_runbook_that_exists(self, rule: dict[str, Any]) -> None:
        assert set(rule) == {"alert", "expr", "for", "labels", "annotations"}
        assert rule["labels"]["severity"] in ("page", "ticket")
        assert re.fullmatch(r"[0-9]+[mh]", rule["for"])
        assert rule["annotations"]["summary"].endswith(".")
        names = set(re.findall(r"commercecore_[a-z_]+", rule["expr"]))
        assert names or rule["alert"] == "ServiceOutOfReach"
        assert {SUFFIXES.sub("", name) for name in names} <= {SUFFIXES.sub("", name) for name in exported()}
        document, _, anchor = rule["annotations"]["runbook_url"].partition("#")
        headings = re.findall(r"^### (\w+)$", (PROJECT_DIR / document).read_text(), re.MULTILINE)
        assert anchor in [heading.lower() for heading in headings]

    @pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule["alert"])
    def test_name_labels_that_their_series_have_and_tell_none_that_is_summed_away(self, rule: dict[str, Any]) -> None:
        known, grouped = labels_of_series(), {label for labels in GROUPED.findall(rule["expr"]) for label in labels.split(", ")}
        of_all: set[str] = {"job", "instance"}  # Prometheus' own, of each target
        for name, matchers in series_of(rule):
            assert {label for label, _, _ in matchers} <= known[name]
            of_all |= known[name]
        assert grouped <= of_all
        told = set(re.findall(r"\$labels\.(\w+)", rule["annotations"]["summary"]))
        assert told <= (grouped if re.search(r"\b(sum|max)\b", rule["expr"]) else of_all)

    def test_name_values_of_labels_that_are_really_told(
        self, tenant: Tenant, seller: str, token: None, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        payment = tenant.create_payment(seller)
        assert tenant.get(f"/transactions/{payment}").status_code == 200
        tenant.confirm(seller, payment, "pm_nonsense")
        for order_id, fault in (("2", refuse_connection), ("3", time_out_before)):
            with stripe_fails(monkeypatch, fault, path="/payment_intents"):
                tenant.post("/transactions", {"order_id": order_id, "account_id": seller, "amount": "1000"})
        samples()  # from now on a scrape has been counted itself
        found = samples()
        for rule in RULES:
            for name, matchers in series_of(rule):
                for label, how, value in matchers:
                    told = {dict(labels)[label] for sample, labels in found if sample == name}
                    for wanted in value.split("|") if "~" in how else [value]:
                        assert any(re.fullmatch(wanted, one) for one in told), (rule["alert"], name, label, wanted, told)

    def test_each_have_their_name(self) -> None:
        names = [rule["alert"] for rule in RULES]
        assert len(names) == len(set(names))

    def test_are_silent_where_all_is_well_and_tell_what_is_not(self, tenant: Tenant, seller: str, token: None) -> None:
        heartbeat = Heartbeat()
        heartbeat.beat_when_due()
        tenant.pay(seller)
        assert firing(samples()) == set()
        order("time_out_before", path="/payment_intents")
        assert tenant.post("/transactions", {"order_id": "2", "account_id": seller, "amount": "1000"}).status_code == 503
        assert firing(samples()) == set()
        with clock.moved_ahead(timedelta(hours=3)):
            assert firing(samples()) == {"NoWorker", "OperationsAreNotRecovered", "OperationsStayOpen"}
        heartbeat.end()
        Operation.objects.filter(status="unknown").update(status="needs_review", next_recovery_at=None)
        assert firing(samples()) == {"NoWorker", "OperationsNeedReview"}

    def test_call_a_comparison_late_when_the_service_does(self) -> None:
        [rule] = [rule for rule in RULES if rule["alert"] == "ReconciliationIsLate"]
        match = SIMPLE.fullmatch(rule["expr"])
        assert match is not None
        assert timedelta(seconds=int(match["bound"])) == LATE_AFTER


class TestTheTableOfMetrics:
    def test_names_every_metric_that_is_exported_and_no_other(self, db: None, token: None) -> None:
        Client().get("/metrics", headers={"Authorization": f"Bearer {TOKEN}"})
        named = re.findall(r"^\| `(commercecore_\w+)", (DOCS / "monitoring.md").read_text(), re.MULTILINE)
        of_scrape = {SUFFIXES.sub("", name) for name, _ in samples()} | {SUFFIXES.sub("", name) for name in exported()}
        assert sorted(SUFFIXES.sub("", name) for name in named) == sorted(of_scrape)
