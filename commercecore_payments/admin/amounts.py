"""Amounts as the staff types them: in the currency's own units, with a decimal point."""

from decimal import Decimal
from typing import Any

from django import forms
from unfold.widgets import UnfoldAdminDecimalFieldWidget

from commercecore_payments.money import decimals, format_amount


class AmountField(forms.DecimalField):
    """An amount in a currency, typed as `5.00` and cleaned to minor units: 500.

    `maximum_minor` is the most that can be asked for, and what is filled in.
    """

    def __init__(self, *, currency: str, maximum_minor: int, **options: Any) -> None:
        self.places = decimals(currency)
        most = self._in_units(maximum_minor)
        smallest = self._in_units(1)
        options = {"help_text": f"At most {format_amount(maximum_minor, currency)}.", **options}
        super().__init__(
            min_value=smallest,
            max_value=most,
            decimal_places=self.places,
            initial=most,
            widget=UnfoldAdminDecimalFieldWidget(attrs={"step": str(smallest), "inputmode": "decimal"}),
            **options,
        )

    def _in_units(self, amount_minor: int) -> Decimal:
        return Decimal(amount_minor).scaleb(-self.places)

    def clean(self, value: Any) -> Any:
        """The amount in minor units."""
        amount: Decimal | None = super().clean(value)
        return None if amount is None else int(amount.scaleb(self.places))
