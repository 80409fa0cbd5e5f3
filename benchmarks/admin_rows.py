"""Rows for the benchmark of the admin's pages: a marketplace of a million payments, written by the database itself.

Nothing is random: each row follows from its number, so that two runs measure the same. Every payment lies within the last
30 days, which is the worst case for what is shown of them.
"""

from collections.abc import Iterator, Sequence
from typing import Any

from django.db import connection

ACCOUNTS = 50
DAYS = 30
# Of each statement: what a small machine sorts and indexes in memory.
AT_ONCE = 250_000

_SELLERS = """
INSERT INTO accounts_connectedaccount (environment, stripe_account_id, developer_id, email, status, country, default_currency,
  charges_enabled, payouts_enabled, details_submitted, capabilities, requirements, onboarding_link_nonce, created_at, updated_at)
SELECT 'sandbox', 'acct_bench' || lpad(n::text, 6, '0'), 'de_benchmark', 'seller' || n || '@example.com', 'active', 'US', 'usd',
  n %% 10 > 0, n %% 8 > 0, true, '{}',
  CASE WHEN n %% 8 = 0 THEN '{"disabled_reason": "requirements.past_due"}' ELSE '{}' END::jsonb,
  '', now() - interval '40 days', now()
FROM generate_series(1, %(accounts)s) n
"""
_CALLERS = """
INSERT INTO developers_developer (id, name, created_at) VALUES ('de_benchmark', 'Benchmark', now());
INSERT INTO developers_app (id, developer_id, name, api_version, created_at)
  VALUES ('ap_benchmark', 'de_benchmark', 'Benchmark', '', now());
INSERT INTO webhooks_webhookendpoint (id, environment, app_id, url, description, event_types, status, disabled_reason,
  last_sequence, secret, secret_key_id, previous_secret, previous_secret_key_id, created_at)
SELECT 'we_bench' || n, 'sandbox', 'ap_benchmark', 'https://shop' || n || '.example/hooks', '', '["*"]', 'enabled', '', 0, '', '',
  '', '', now() FROM generate_series(0, 9) n
"""
# Of a hundred payments 80 succeed, 9 are declined, 3 were never tried, 4 canceled, 1 held; and some rare ones.
_PAYMENTS = """
WITH numbered AS (
  SELECT n, CASE WHEN n %% 100000 = 13 THEN 'creation_failed' WHEN n %% 10000 = 7 THEN 'processing'
    WHEN n %% 100 < 80 THEN 'succeeded' WHEN n %% 100 < 92 THEN 'requires_payment_method' WHEN n %% 100 < 96 THEN 'canceled'
    WHEN n %% 100 = 96 THEN 'requires_capture' ELSE 'requires_action' END AS status,
    n %% 100 BETWEEN 80 AND 88 AS declined, 500 + n %% 9500 AS amount
  FROM generate_series(%(first)s, %(last)s) n
)
INSERT INTO transactions_transaction (environment, stripe_payment_intent_id, developer_id, app_id, account_id, user_id, order_id,
  holds_order, amount_minor, currency, capture_method, return_url, metadata, status, amount_capturable_minor,
  amount_received_minor, amount_refunded_minor, capture_before, stripe_charge_id, stripe_payment_method_id, error_code,
  decline_code, error_message, created_at, updated_at)
SELECT 'sandbox', CASE status WHEN 'creation_failed' THEN '' ELSE 'pi_' || md5(n::text) END, 'de_benchmark', 'ap_benchmark',
  (SELECT min(id) FROM accounts_connectedaccount) + n %% %(accounts)s, 'usr_' || n %% 100000, 'order-' || n,
  status NOT IN ('canceled', 'creation_failed'), amount,
  CASE WHEN n %% 10 < 7 THEN 'usd' WHEN n %% 10 < 9 THEN 'eur' WHEN n %% 20 = 9 THEN 'gbp' ELSE 'jpy' END,
  CASE WHEN n %% 100 = 96 THEN 'manual' ELSE 'automatic' END, '', '{"shop": "benchmark"}', status,
  CASE status WHEN 'requires_capture' THEN amount ELSE 0 END, CASE status WHEN 'succeeded' THEN amount ELSE 0 END,
  CASE WHEN status = 'succeeded' AND n %% 7 < 2 AND n %% 10 < 9 THEN amount / 4 ELSE 0 END,
  CASE status WHEN 'requires_capture' THEN now() + (n %% 7 * 24 + 1) * interval '1 hour' END,
  CASE WHEN status IN ('succeeded', 'requires_capture') THEN 'ch_' || md5(n::text) ELSE '' END,
  'pm_' || md5((n %% 100000)::text),
  CASE WHEN declined THEN 'card_declined' ELSE '' END,
  CASE WHEN declined THEN (ARRAY['insufficient_funds', 'generic_decline', 'expired_card', 'do_not_honor'])[1 + n %% 4]
    ELSE '' END,
  CASE WHEN declined THEN 'Your card was declined.' ELSE '' END,
  now() - (%(payments)s - n) * (%(days)s * interval '1 day' / %(payments)s), now()
FROM numbered
"""
_REFUNDS = """
INSERT INTO refunds_refund (environment, stripe_refund_id, developer_id, app_id, transaction_id, user_id, amount_minor, currency,
  reason, status, failure_reason, created_at, updated_at)
SELECT 'sandbox', 're_' || md5(id::text), developer_id, app_id, id, user_id, amount_refunded_minor, currency, '',
  CASE WHEN id %% 1000 = 0 THEN 'pending' ELSE 'succeeded' END, '', least(created_at + interval '2 days', now()), now()
FROM transactions_transaction WHERE amount_refunded_minor > 0
"""
_OPERATIONS = """
INSERT INTO gateway_operation (id, environment, kind, status, subject_type, subject_id, stripe_account, target_id,
  parameters_json, api_version, developer_id, app_id, user_id, request_id, created_at, attempts, last_sent_at, closed_at,
  fruitless_looks, result_id, http_status, stripe_request_id, error_type, error_code, decline_code, error_param, error_message)
SELECT 'op_' || md5(id || kind), 'sandbox', kind,
  CASE WHEN error_code <> '' AND kind = 'payment_intent.confirm' THEN 'declined' ELSE 'succeeded' END, 'transaction', id,
  'acct_bench' || lpad((id %% %(accounts)s)::text, 6, '0'),
  CASE kind WHEN 'payment_intent.confirm' THEN stripe_payment_intent_id ELSE '' END, '{"amount": 1000, "currency": "usd"}',
  '2026-01-01', developer_id, app_id, user_id, 'req_' || md5('our' || id || kind), created_at, 1, created_at, created_at, 0,
  stripe_payment_intent_id, 200, 'req_' || md5(id || kind), '', '', '', '', ''
FROM transactions_transaction, unnest(ARRAY['payment_intent.create', 'payment_intent.confirm']) kind
WHERE id BETWEEN %(first)s AND %(last)s
"""
_OPEN_OPERATIONS = """
UPDATE gateway_operation SET status = CASE WHEN subject_id %% 40000 = 0 THEN 'needs_review' ELSE 'unknown' END, closed_at = NULL,
  next_recovery_at = now() + interval '1 hour'
WHERE kind = 'payment_intent.confirm' AND subject_id %% 20000 = 0
"""
_STRIPE_EVENTS = """
INSERT INTO stripe_events_stripeevent (environment, account_id, livemode, event_id, type, object_id, api_version, source, payload,
  happened_at, received_at, status, note, error, failures, next_attempt_at, applied_at)
SELECT 'sandbox', 'acct_bench' || lpad((id %% %(accounts)s)::text, 6, '0'), false, 'evt_' || md5(id::text),
  'payment_intent.succeeded', stripe_payment_intent_id, '2026-01-01', 'webhook', '{"data": {"object": {}}}',
  created_at, created_at,
  CASE WHEN id %% 20000 = 0 THEN 'failed' WHEN id %% 4 = 0 THEN 'unhandled' ELSE 'applied' END, '', '', 0, created_at, created_at
FROM transactions_transaction WHERE id BETWEEN %(first)s AND %(last)s
"""
_EVENTS = """
INSERT INTO webhooks_event (id, environment, app_id, sequence, type, subject_type, subject_id, body, created_at)
SELECT 'msg_' || md5(id::text), 'sandbox', app_id, id,
  CASE WHEN error_code = '' THEN 'payment.succeeded' ELSE 'payment.failed' END,
  'transaction', id, '{"type": "payment.succeeded", "timestamp": "2026-11-01T00:00:00Z", "data": {}}', created_at
FROM transactions_transaction WHERE id BETWEEN %(first)s AND %(last)s
"""
_DELIVERIES = """
INSERT INTO webhooks_delivery (id, environment, event_id, endpoint_id, sequence, status, attempts, scheduled_attempts,
  next_attempt_at, created_at, finished_at)
SELECT 'dl_' || md5(subject_id::text), 'sandbox', id, 'we_bench' || subject_id %% 10, sequence,
  CASE WHEN subject_id %% 10000 = 0 THEN 'failed' ELSE 'succeeded' END, 1, 1, created_at, created_at, created_at
FROM webhooks_event WHERE sequence BETWEEN %(first)s AND %(last)s
"""
_DISPUTES = """
INSERT INTO disputes_dispute (environment, stripe_dispute_id, developer_id, app_id, account_id, transaction_id, stripe_charge_id,
  amount_minor, currency, reason, status, evidence_due_at, has_evidence, version, opened_at, created_at, updated_at)
SELECT 'sandbox', 'du_' || md5(id::text), developer_id, app_id, account_id, id, stripe_charge_id, amount_minor, currency,
  'fraudulent', CASE WHEN id %% 5000 = 0 THEN 'needs_response' ELSE 'lost' END, now() + id %% 9 * interval '1 day', false, 1,
  created_at, created_at, created_at
FROM transactions_transaction WHERE id %% 500 = 0
"""
_PAYOUTS = """
INSERT INTO payouts_payout (environment, stripe_payout_id, developer_id, account_id, amount_minor, currency, status, automatic,
  failure_code, failure_message, made_at, created_at, updated_at)
SELECT 'sandbox', 'po_' || md5(id || '-' || day), developer_id, id, 100000 + day, 'usd', 'paid', true, '', '',
  now() - day * interval '1 day', now(), now()
FROM accounts_connectedaccount, generate_series(0, %(days)s - 1) day
"""
_INDEXES = """
SELECT indexrelid::regclass::text, pg_get_indexdef(indexrelid) FROM pg_index
JOIN pg_class ON pg_class.oid = indexrelid JOIN pg_namespace ON pg_namespace.oid = relnamespace
WHERE nspname = 'public' AND NOT indisunique
"""
# The name of each kind of record, its statement, and whether it is written in pieces of AT_ONCE payments.
STATEMENTS: tuple[tuple[str, str, bool], ...] = (
    ("callers", _CALLERS, False),
    ("sellers", _SELLERS, False),
    ("payments", _PAYMENTS, True),
    ("refunds", _REFUNDS, False),
    ("operations", _OPERATIONS, True),
    ("open operations", _OPEN_OPERATIONS, False),
    ("Stripe's events", _STRIPE_EVENTS, True),
    ("events", _EVENTS, True),
    ("deliveries", _DELIVERIES, True),
    ("disputes", _DISPUTES, False),
    ("payouts", _PAYOUTS, False),
)


EVERYTHING = frozenset(name for name, _, _ in STATEMENTS)
PAYMENTS_ALONE = frozenset({"callers", "sellers", "payments"})


def write_rows(payments: int, kinds: frozenset[str] = EVERYTHING, more: Sequence[tuple[str, str, bool]] = ()) -> Iterator[str]:
    """Writes a marketplace of so many payments, of it these kinds of records; yields what is written next.

    Statements of the caller's own come after them, and the planner's statistics last.
    """
    figures = {"payments": payments, "accounts": ACCOUNTS, "days": DAYS}
    indexes = _take_indexes_away()
    for name, statement, in_pieces in (*(each for each in STATEMENTS if each[0] in kinds), *more):
        yield name
        for first in range(1, payments + 1, AT_ONCE) if in_pieces else (1,):
            _execute(statement, {**figures, "first": first, "last": min(first + AT_ONCE - 1, payments)})
    yield "indexes"
    for index in indexes:
        _execute(index, {})
    yield "statistics"
    # What autovacuum does within minutes: the map of pages that every transaction sees, and the statistics.
    _execute("VACUUM ANALYZE", {})


def _take_indexes_away() -> list[str]:
    """Drops the indexes that hold no constraint, and returns what makes them again: faster at once than row by row."""
    with connection.cursor() as cursor:
        cursor.execute(_INDEXES)
        found = cursor.fetchall()
    for name, _ in found:
        _execute(f"DROP INDEX {name}", {})
    return [definition for _, definition in found]


def _execute(statement: str, values: dict[str, Any]) -> None:
    with connection.cursor() as cursor:
        # The rows fit each other by the way they are made: two million looks at foreign keys would only cost minutes.
        cursor.execute("SET session_replication_role = replica")
        cursor.execute(statement, values or None)
        cursor.execute("SET session_replication_role = origin")
