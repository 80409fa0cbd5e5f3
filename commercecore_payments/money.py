"""Amounts in minor units and the currencies that they are in, by Stripe's rules.

Sources: docs.stripe.com/currencies (decimals, minimum and maximum charge amounts).
"""

# Without decimals: the minor unit is the unit itself.
ZERO_DECIMAL = frozenset("bif clp djf gnf jpy kmf krw mga pyg rwf vnd vuv xaf xof xpf".split())
# With three decimals, of which the last must be 0.
THREE_DECIMAL = frozenset("bhd jod kwd omr tnd".split())
# Counted by Stripe with two decimals, of which both must be 0.
WHOLE_UNITS_ONLY = frozenset("isk ugx".split())
TWO_DECIMAL = frozenset(
    "usd aed afn all amd ang aoa ars aud awg azn bam bbd bdt bgn bmd bnd bob brl bsd bwp byn bzd cad cdf chf cny cop crc "
    "cve czk dkk dop dzd egp etb eur fjd fkp gbp gel gip gmd gtq gyd hkd hnl htg huf idr ils inr jmd kes kgs khr kyd kzt "
    "lak lbp lkr lrd lsl mad mdl mkd mmk mnt mop mur mvr mwk mxn myr mzn nad ngn nio nok npr nzd pab pen pgk php pkr pln "
    "qar ron rsd rub sar sbd scr sek sgd shp sle sos srd std szl thb tjs top try ttd twd tzs uah uyu uzs wst xcd yer zar "
    "zmw".split()
)
CURRENCIES = TWO_DECIMAL | ZERO_DECIMAL | THREE_DECIMAL | WHOLE_UNITS_ONLY

# The smallest charge that Stripe takes, in minor units. Other currencies have to be worth about 0.50 USD after
# conversion, which only Stripe can tell.
MINIMUM_MINOR = {
    "usd": 50, "aed": 200, "aud": 50, "bgn": 100, "brl": 50, "cad": 50, "chf": 50, "czk": 1500, "dkk": 250, "eur": 50,
    "gbp": 30, "hkd": 400, "huf": 17500, "inr": 50, "jpy": 50, "mxn": 1000, "myr": 200, "nok": 300, "nzd": 50, "pln": 200,
    "ron": 200, "sek": 300, "sgd": 50, "thb": 1000,
}  # fmt: skip
# Eight digits are the most that Stripe takes in any currency.
MAXIMUM_MINOR = 99_999_999


def amount_problem(amount_minor: int, currency: str) -> str | None:
    """Why Stripe would not charge this amount, as a sentence for the caller; None where it would."""
    minimum = MINIMUM_MINOR.get(currency, 1)
    if amount_minor < minimum:
        return f"The amount must be at least {minimum} in {currency} ({format_amount(minimum, currency)})."
    if amount_minor > MAXIMUM_MINOR:
        return f"The amount must be at most {MAXIMUM_MINOR}."
    step = 10 if currency in THREE_DECIMAL else 100 if currency in WHOLE_UNITS_ONLY else 1
    if amount_minor % step:
        return f"The amount in {currency} must be a multiple of {step}."
    return None


def decimals(currency: str) -> int:
    """How many decimals people write the currency with."""
    if currency in ZERO_DECIMAL:
        return 0
    return 3 if currency in THREE_DECIMAL else 2


def format_amount(amount_minor: int, currency: str) -> str:
    """The amount as people read it: `10.00 USD`, `1,500 JPY`."""
    places = decimals(currency)
    whole, rest = divmod(abs(amount_minor), 10**places)
    sign = "-" if amount_minor < 0 else ""
    fraction = f".{rest:0{places}d}" if places else ""
    return f"{sign}{whole:,}{fraction} {currency.upper()}"
