// The life of a seller and of its payments, driven by Stripe's own library for Node.js over HTTP.
//
// NODE_PACKAGES is the folder in which the library is installed, PORT where the service listens on 127.0.0.1.

import assert from "node:assert/strict";
import { createRequire } from "node:module";

const Stripe = createRequire(`${process.env.NODE_PACKAGES}/`)("stripe");
const stripe = new Stripe("sk_test_from_node", {
  host: "127.0.0.1",
  port: Number(process.env.PORT),
  protocol: "http",
  maxNetworkRetries: 0,
  telemetry: false,
});
const SHOP = "https://shop.example/";
// A confirmation by a server, which can send no buyer away.
const NO_REDIRECTS = { automatic_payment_methods: { enabled: true, allow_redirects: "never" } };

const seller = await aSellerIsOnboarded();
const at = { stripeAccount: seller };
const buyer = await aBuyerSavesACard();
await aHoldIsCapturedInPart();
const paid = await theSavedCardPaysTheSeller();
await aPaymentIsRefunded(paid);
await cardsAreDeclined();
await theBankAsksTheBuyer();
await aRequestIsRepeated();
await listsAreReadToTheirEnd();
await theDashboardOpensOnce();
await strangersAreRefused();
await theEventsTellWhatHappened();
await theBalanceIsTheSumOfItsTransactions();
console.log("The whole life was lived.");

async function aSellerIsOnboarded() {
  const account = await stripe.accounts.create({
    type: "express",
    country: "US",
    email: "seller@example.com",
    capabilities: { card_payments: { requested: true }, transfers: { requested: true } },
  });
  assert.equal(account.charges_enabled, false);
  await refused(stripe.accounts.createLoginLink(account.id), { type: "StripeInvalidRequestError", statusCode: 400 });

  const link = await stripe.accountLinks.create({
    account: account.id,
    type: "account_onboarding",
    refresh_url: `${SHOP}again`,
    return_url: `${SHOP}done`,
  });
  assert.equal(link.expires_at - link.created, 300);
  assert.equal(await submitForm(link.url, {}), `${SHOP}done`);
  assert.equal((await openPage(link.url)).headers.get("location"), `${SHOP}again`); // a link is good for one visit

  const onboarded = await stripe.accounts.retrieve(account.id);
  assert.deepEqual([onboarded.charges_enabled, onboarded.payouts_enabled, onboarded.details_submitted], [true, true, true]);
  assert.deepEqual(onboarded.requirements.currently_due, []);
  return account.id;
}

async function aBuyerSavesACard() {
  const customer = await stripe.customers.create({ email: "buyer@example.com", metadata: { shelf: "7" } });
  const card = await stripe.paymentMethods.attach("pm_card_visa", { customer: customer.id });
  assert.notEqual(card.id, "pm_card_visa");
  assert.deepEqual([card.customer, card.card.last4], [customer.id, "4242"]);
  const setup = await stripe.setupIntents.create({
    customer: customer.id,
    payment_method: card.id,
    confirm: true,
    usage: "off_session",
    ...NO_REDIRECTS,
  });
  assert.deepEqual([setup.status, setup.payment_method], ["succeeded", card.id]);
  return { customer: customer.id, card: card.id };
}

async function aHoldIsCapturedInPart() {
  const held = await pay({ amount: 1000, capture_method: "manual" });
  assert.deepEqual([held.status, held.amount_capturable, held.amount_received], ["requires_capture", 1000, 0]);
  await refused(stripe.paymentIntents.capture(held.id, { amount_to_capture: 1001 }, at), {
    type: "StripeInvalidRequestError",
    statusCode: 400,
    code: "amount_too_large",
  });
  const captured = await stripe.paymentIntents.capture(held.id, { amount_to_capture: 600 }, at);
  assert.deepEqual([captured.status, captured.amount_capturable, captured.amount_received], ["succeeded", 0, 600]);
  const again = await refused(stripe.paymentIntents.capture(held.id, {}, at), {
    type: "StripeInvalidRequestError",
    statusCode: 400,
    code: "payment_intent_unexpected_state",
  });
  assert.equal(again.payment_intent.id, held.id);
}

async function theSavedCardPaysTheSeller() {
  const copy = await stripe.paymentMethods.create({ customer: buyer.customer, payment_method: buyer.card }, at);
  const payment = await pay({ amount: 2500, payment_method: copy.id, expand: ["latest_charge"] });
  assert.deepEqual([payment.status, payment.amount_received], ["succeeded", 2500]);
  assert.deepEqual([payment.latest_charge.object, payment.latest_charge.paid], ["charge", true]);
  return payment;
}

async function aPaymentIsRefunded(payment) {
  const part = await stripe.refunds.create({ payment_intent: payment.id, amount: 500 }, at);
  assert.deepEqual([part.status, part.amount], ["succeeded", 500]);
  await refused(stripe.refunds.create({ payment_intent: payment.id, amount: 2001 }, at), {
    type: "StripeInvalidRequestError",
    statusCode: 400,
    param: "amount",
  });
  assert.equal((await stripe.refunds.create({ payment_intent: payment.id }, at)).amount, 2000);
  await refused(stripe.refunds.create({ payment_intent: payment.id }, at), {
    type: "StripeInvalidRequestError",
    statusCode: 400,
    code: "charge_already_refunded",
  });
  const charge = await stripe.charges.retrieve(payment.latest_charge.id, {}, at);
  assert.deepEqual([charge.refunded, charge.amount_refunded], [true, 2500]);
}

async function cardsAreDeclined() {
  const declines = [
    ["pm_card_visa_chargeDeclined", "card_declined", "generic_decline"],
    ["pm_card_visa_chargeDeclinedInsufficientFunds", "card_declined", "insufficient_funds"],
    ["pm_card_visa_chargeDeclinedLostCard", "card_declined", "lost_card"],
    ["pm_card_chargeDeclinedExpiredCard", "expired_card", undefined],
    ["pm_card_chargeDeclinedIncorrectCvc", "incorrect_cvc", undefined],
    ["pm_card_chargeDeclinedProcessingError", "processing_error", undefined],
  ];
  for (const [payment_method, code, decline_code] of declines) {
    const error = await refused(pay({ payment_method }), { type: "StripeCardError", rawType: "card_error", statusCode: 402, code });
    assert.ok(error instanceof Stripe.errors.StripeCardError);
    if (decline_code) assert.equal(error.decline_code, decline_code);
    assert.equal(error.payment_intent.status, "requires_payment_method");
    assert.equal((await stripe.charges.retrieve(error.charge, {}, at)).status, "failed");
  }
}

async function theBankAsksTheBuyer() {
  const redirecting = { payment_method: "pm_card_threeDSecure2Required", automatic_payment_methods: { enabled: true } };
  for (const [outcome, redirect_status, status] of [
    ["complete", "succeeded", "succeeded"],
    ["fail", "failed", "requires_payment_method"],
  ]) {
    const payment = await pay({ ...redirecting, return_url: SHOP });
    assert.deepEqual([payment.status, payment.next_action.type], ["requires_action", "redirect_to_url"]);
    const back = new URL(await submitForm(payment.next_action.redirect_to_url.url, { outcome }));
    assert.deepEqual([back.searchParams.get("payment_intent"), back.searchParams.get("redirect_status")], [payment.id, redirect_status]);
    const after = await stripe.paymentIntents.retrieve(payment.id, {}, at);
    assert.equal(after.status, status);
    if (outcome === "fail") assert.equal(after.last_payment_error.code, "payment_intent_authentication_failure");
  }
}

async function aRequestIsRepeated() {
  const key = { idempotencyKey: "once", ...at };
  const first = await stripe.customers.create({ email: "once@example.com" }, key);
  const again = await stripe.customers.create({ email: "once@example.com" }, key);
  assert.equal(again.id, first.id);
  assert.equal(again.lastResponse.headers["idempotent-replayed"], "true");
  await refused(stripe.customers.create({ email: "twice@example.com" }, key), {
    type: "StripeIdempotencyError",
    rawType: "idempotency_error",
    statusCode: 400,
  });
}

async function listsAreReadToTheirEnd() {
  const made = [];
  for (const name of ["A", "B", "C", "D", "E"]) {
    made.unshift((await stripe.customers.create({ email: "listed@example.com", name }, at)).id);
  }
  const found = [];
  for await (const customer of stripe.customers.list({ limit: 2, email: "listed@example.com" }, at)) found.push(customer.id);
  assert.deepEqual(found, made); // the newest first, over three pages
  const payments = await stripe.paymentIntents.list({ limit: 2, expand: ["data.latest_charge"] }, at);
  assert.equal(payments.has_more, true);
  const last = payments.data.find((one) => one.status === "succeeded"); // before it, one whose buyer failed the challenge
  assert.deepEqual([last.latest_charge.object, last.latest_charge.status], ["charge", "succeeded"]);
}

async function theDashboardOpensOnce() {
  const link = await stripe.accounts.createLoginLink(seller);
  const page = await openPage(link.url);
  assert.equal(page.status, 200);
  assert.match(await page.text(), new RegExp(seller));
  assert.equal((await openPage(link.url)).status, 410);
}

async function strangersAreRefused() {
  const unknown = { type: "StripePermissionError", statusCode: 403, code: "account_invalid" };
  await refused(stripe.balance.retrieve({}, { stripeAccount: "acct_1Unknown0000000" }), unknown);
  await refused(stripe.paymentIntents.retrieve("pi_unknown", {}, at), {
    type: "StripeInvalidRequestError",
    statusCode: 404,
    code: "resource_missing",
  });
  const keyless = new Stripe("no_key_of_stripe", { host: "127.0.0.1", port: Number(process.env.PORT), protocol: "http" });
  await refused(keyless.customers.list(), { type: "StripeAuthenticationError", statusCode: 401 });
}

async function theEventsTellWhatHappened() {
  const succeeded = await idsOf(stripe.paymentIntents.list({ limit: 100 }, at), (one) => one.status === "succeeded");
  const told = [];
  for await (const event of stripe.events.list({ type: "payment_intent.succeeded" }, at)) {
    assert.equal(event.data.object.status, "succeeded");
    told.push(event.data.object.id);
  }
  assert.deepEqual(told.sort(), succeeded.sort());
}

async function theBalanceIsTheSumOfItsTransactions() {
  let net = 0;
  for await (const transaction of stripe.balanceTransactions.list({ limit: 2 }, at)) net += transaction.net;
  const balance = await stripe.balance.retrieve({}, at);
  const sum = [...balance.available, ...balance.pending].reduce((total, part) => total + part.amount, 0);
  assert.deepEqual([balance.object, balance.livemode, sum], ["balance", false, net]);
}

function pay(parameters) {
  const defaults = { amount: 1000, currency: "usd", payment_method: "pm_card_visa", confirm: true };
  return stripe.paymentIntents.create({ ...defaults, ...NO_REDIRECTS, ...parameters }, at);
}

async function idsOf(list, wanted) {
  const found = [];
  for await (const one of list) if (wanted(one)) found.push(one.id);
  return found;
}

// The error that a call ends with, once it is found to be the expected one.
async function refused(call, expected) {
  const error = await call.then(
    () => assert.fail("The call succeeded."),
    (reason) => reason,
  );
  const told = Object.fromEntries(Object.keys(expected).map((name) => [name, error[name]]));
  assert.deepEqual(told, expected, error.stack);
  assert.match(error.requestId, /^req_/);
  return error;
}

function openPage(url) {
  return fetch(url, { redirect: "manual" });
}

// Opens a page, fills in its form as it stands but for the changes, and submits it: the address that it leads to.
async function submitForm(url, changes) {
  const page = await openPage(url);
  assert.equal(page.status, 200);
  const fields = {};
  for (const [input] of (await page.text()).matchAll(/<input[^>]*>/g)) {
    const [name, value] = ["name", "value"].map((attribute) => input.match(new RegExp(` ${attribute}="([^"]*)"`))?.[1]);
    if (name) fields[name] = value ?? "";
  }
  const cookie = page.headers.getSetCookie().map((one) => one.split(";")[0]).join("; ");
  const body = new URLSearchParams({ ...fields, ...changes });
  const answer = await fetch(url, { method: "POST", redirect: "manual", headers: { cookie }, body });
  assert.equal(answer.status, 302);
  return answer.headers.get("location");
}
