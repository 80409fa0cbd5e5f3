"""The sandbox's own pages: those that Stripe hosts, the shop, and the staff's."""
