#!/usr/bin/env python
"""Django's command line for CommerceCore Payments."""

import os
import sys


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "commercecore_payments.settings")
    from django.core.exceptions import ImproperlyConfigured
    from django.core.management import execute_from_command_line

    try:
        execute_from_command_line(sys.argv)
    except ImproperlyConfigured as error:  # what is wrong with the configuration is one sentence, no traceback
        sys.exit(f"Configuration: {error}")


if __name__ == "__main__":
    main()
