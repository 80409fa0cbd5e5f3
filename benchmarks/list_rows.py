"""What the benchmark of lists adds to the rows of `benchmarks.admin_rows`: as many rows in each list as there are payments.

Of the payments a tenth more was made past this service, so that every page is read from two places.
"""

_EXTERNAL_PAYMENTS = """
INSERT INTO transactions_transaction (environment, stripe_payment_intent_id, developer_id, account_id, external, user_id,
  order_id, holds_order, amount_minor, currency, capture_method, return_url, metadata, status, amount_capturable_minor,
  amount_received_minor, amount_refunded_minor, stripe_charge_id, stripe_payment_method_id, error_code, decline_code,
  error_message, created_at, updated_at)
SELECT 'sandbox', 'pi_' || md5('past us' || n), 'de_benchmark',
  (SELECT min(id) FROM accounts_connectedaccount) + n %% %(accounts)s, true, '', '', false, 500 + n %% 9500,
  'usd', 'automatic', '', '{}', 'succeeded', 0, 500 + n %% 9500, 0,
  'ch_' || md5('past us' || n), '', '', '', '', now() - n * (%(days)s * interval '10 day' / %(payments)s), now()
FROM generate_series(1, %(payments)s / 10) n
"""
_REFUNDS = """
INSERT INTO refunds_refund (environment, stripe_refund_id, developer_id, app_id, transaction_id, account_id, user_id,
  amount_minor, currency, reason, status, failure_reason, created_at, updated_at)
SELECT 'sandbox', 're_' || md5(id::text), developer_id, app_id, id, account_id, user_id, amount_minor, currency, '',
  CASE WHEN id %% 1000 = 0 THEN 'pending' ELSE 'succeeded' END, '', least(created_at + interval '2 days', now()), now()
FROM transactions_transaction WHERE app_id IS NOT NULL AND id BETWEEN %(first)s AND %(last)s
"""
_ACCOUNTS = """
INSERT INTO accounts_connectedaccount (environment, stripe_account_id, developer_id, email, status, country, default_currency,
  charges_enabled, payouts_enabled, details_submitted, capabilities, requirements, onboarding_link_nonce, stripe_created,
  created_at, updated_at)
SELECT 'sandbox', 'acct_many' || n, 'de_benchmark', 'many' || n || '@example.com', CASE WHEN n %% 10 = 0 THEN 'deleted' ELSE
  'active' END, 'US', 'usd', true, true, true, '{}', '{}', '', 1764000000, now() - n * interval '1 second', now()
FROM generate_series(%(first)s, %(last)s) n
"""
_CUSTOMER = """
INSERT INTO paymentmethods_customer (environment, developer_id, user_id, stripe_customer_id, created_at)
VALUES ('sandbox', 'de_benchmark', 'usr_benchmark', 'cus_benchmark', now())
"""
_METHODS = """
INSERT INTO paymentmethods_paymentmethod (environment, customer_id, app_id, given_id, stripe_payment_method_id,
  stripe_setup_intent_id, status, type, brand, last4, preferred, wants_preferred, error_code, decline_code, error_message,
  created_at, updated_at)
SELECT 'sandbox', (SELECT max(id) FROM paymentmethods_customer), 'ap_benchmark', 'pm_' || n, 'pm_' || md5(n::text), '', 'saved',
  'card', 'visa', '4242', false, false, '', '', '', now() - n * interval '1 second', now()
FROM generate_series(%(first)s, %(last)s) n
"""
# Of `benchmarks.admin_rows`.
KINDS = frozenset({"callers", "sellers", "payments", "events"})
MORE = (
    ("payments made past this service", _EXTERNAL_PAYMENTS, False),
    ("refunds", _REFUNDS, True),
    ("accounts", _ACCOUNTS, True),
    ("customer", _CUSTOMER, False),
    ("payment methods", _METHODS, True),
)
