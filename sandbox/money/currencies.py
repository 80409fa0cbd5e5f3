"""How Stripe counts money: decimals and limits by currency (https://docs.stripe.com/currencies)."""

ZERO_DECIMAL = frozenset("bif clp djf gnf jpy kmf krw mga pyg rwf vnd vuv xaf xof xpf".split())
# Their last digit must be 0 ("round amounts to the nearest ten": the same page).
THREE_DECIMAL = frozenset("bhd jod kwd omr tnd".split())
# Counted with two decimals that must both be 0, for backwards compatibility (the same page, "Special cases").
WHOLE_UNITS_ONLY = frozenset("isk ugx".split())
# The presentment currencies that Stripe lists for an account in the United States.
TWO_DECIMAL = frozenset(
    """usd aed afn all amd ang aoa ars aud awg azn bam bbd bdt bgn bmd bnd bob brl bsd bwp byn bzd cad cdf chf cny cop crc
    cve czk dkk dop dzd egp etb eur fjd fkp gbp gel gip gmd gtq gyd hkd hnl htg huf idr ils inr jmd kes kgs khr kyd
    kzt lak lbp lkr lrd lsl mad mdl mkd mmk mnt mop mur mvr mwk mxn myr mzn nad ngn nio nok npr nzd pab pen pgk php pkr
    pln qar ron rsd rub sar sbd scr sek sgd shp sle sos srd std szl thb tjs top try ttd twd tzs uah uyu uzs wst xcd yer zar
    zmw""".split()
)
SUPPORTED = ZERO_DECIMAL | THREE_DECIMAL | WHOLE_UNITS_ONLY | TWO_DECIMAL
# "Minimum and maximum charge amounts" on the same page, in minor units; a currency without a row has no minimum of its
# own there (Stripe converts to the settlement currency), and the sandbox asks for one minor unit.
MINIMUM_AMOUNTS = {
    "usd": 50, "aed": 200, "aud": 50, "bgn": 100, "brl": 50, "cad": 50, "chf": 50, "czk": 1500, "dkk": 250, "eur": 50,
    "gbp": 30, "hkd": 400, "huf": 17500, "inr": 50, "jpy": 50, "mxn": 1000, "myr": 200, "nok": 300, "nzd": 50,
    "pln": 200, "ron": 200, "sek": 300, "sgd": 50, "thb": 1000,
}  # fmt: skip
# "The amount value supports up to eight digits": the same page.
MAXIMUM_AMOUNT = 99_999_999
SYMBOLS = {"usd": "$", "aud": "$", "cad": "$", "hkd": "$", "nzd": "$", "sgd": "$", "eur": "€", "gbp": "£", "jpy": "¥", "inr": "₹"}


def decimals(currency: str) -> int:
    """How many decimals of a currency's major unit its minor unit stands for."""
    if currency in ZERO_DECIMAL:
        return 0
    return 3 if currency in THREE_DECIMAL else 2


def step(currency: str) -> int:
    """Amounts in this currency must be a multiple of so many minor units."""
    if currency in WHOLE_UNITS_ONLY:
        return 100
    return 10 if currency in THREE_DECIMAL else 1


def spoken(amount_minor: int, currency: str) -> str:
    """An amount as people write it: 1234 usd is `$12.34`, 500 sek is `5.00`."""
    places = decimals(currency)
    whole, part = divmod(abs(amount_minor), 10**places)
    digits = f"{whole:,}.{part:0{places}d}" if places else f"{whole:,}"
    return ("-" if amount_minor < 0 else "") + SYMBOLS.get(currency, "") + digits
