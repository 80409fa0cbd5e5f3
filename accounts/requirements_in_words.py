"""What Stripe asks of a seller, in words: its names for requirements (docs.stripe.com/connect/handling-api-verification)."""

from collections.abc import Iterable, Mapping

# The beginning of a requirement's name, and what it asks for; of several beginnings the longest counts.
ABOUT_THE_ACCOUNT: Mapping[str, str] = {
    "business_profile.mcc": "the line of business",
    "business_profile.product_description": "what is sold",
    "business_profile.url": "the address of the business's website",
    "business_profile": "facts about the business",
    "business_type": "the kind of business",
    "company.address": "the company's address",
    "company.name": "the company's name",
    "company.owners_provided": "who owns the company",
    "company.directors_provided": "who directs the company",
    "company.executives_provided": "who runs the company",
    "company.phone": "the company's telephone number",
    "company.tax_id": "the company's tax number",
    "company.verification.document": "a document that proves the company",
    "company": "facts about the company",
    "documents": "documents about the business",
    "external_account": "a bank account to be paid out to",
    "settings.payments.statement_descriptor": "the name that buyers see on their statements",
    "tos_acceptance": "the acceptance of Stripe's terms",
}
# The same of a person, whose name comes first: `individual`, `representative`, `person_…`.
ABOUT_A_PERSON: Mapping[str, str] = {
    "address": "the address",
    "dob": "the date of birth",
    "email": "the email address",
    "first_name": "the first name",
    "id_number": "the whole tax or identity number",
    "last_name": "the last name",
    "nationality": "the nationality",
    "phone": "the telephone number",
    "political_exposure": "whether a political office is held",
    "relationship": "the part in the company",
    "ssn_last_4": "the last four digits of the social security number",
    "verification.additional_document": "a second document that proves the address",
    "verification.document": "a document that proves the identity",
}
PERSONS: Mapping[str, str] = {
    "directors": "a director",
    "executives": "an executive",
    "individual": "the seller",
    "owners": "an owner",
    "person": "a person of the company",
    "representative": "the company's representative",
}


def in_words(names: Iterable[str]) -> dict[str, list[str]]:
    """What requirements ask for, each with the names that ask for it: `dob.day` and `dob.month` are one date."""
    asked: dict[str, list[str]] = {}
    for name in names:
        asked.setdefault(_words(name), []).append(name)
    return asked


def _words(name: str) -> str:
    """One that is not in the tables is told by its name."""
    who, _, what = name.partition(".")
    person = PERSONS.get(who.partition("_")[0])
    about = _longest(ABOUT_A_PERSON, what) if person else ""
    if person and about:
        return f"{about} of {person}"
    return _longest(ABOUT_THE_ACCOUNT, name) or name.replace("_", " ").replace(".", ": ")


def _longest(words: Mapping[str, str], name: str) -> str:
    fitting = [beginning for beginning in words if name == beginning or name.startswith(f"{beginning}.")]
    return words[max(fitting, key=len)] if fitting else ""
