"""What the pages of the admin share. An app's own pages stand in its admin.py; those of the staff in staff.py.

Django imports this package once all models are loaded, and with it what has to be registered.
"""

from commercecore_payments.admin import login_attempts, staff

__all__ = ["login_attempts", "staff"]
