"""The sandbox's time: its clock, and what Stripe does by itself later on."""
