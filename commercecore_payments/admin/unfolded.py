"""django-unfold's base classes under the types of Django's, which they extend: unfold ships no types of its own."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from django.contrib.admin import FieldListFilter as FieldFilter
    from django.contrib.admin import ModelAdmin, SimpleListFilter
else:
    from unfold.admin import ModelAdmin
    from unfold.contrib.filters.admin import DropdownFilter as SimpleListFilter
    from unfold.contrib.filters.admin import RangeDateFilter as FieldFilter

__all__ = ["FieldFilter", "ModelAdmin", "SimpleListFilter"]
