"""How dates and times are written, in the admin above all: so that they sort, and say their zone."""

DATE_FORMAT = "Y-m-d"
DATETIME_FORMAT = "Y-m-d H:i:s T"
