"""Connected accounts beyond the API: their onboarding, what they owe Stripe, what is decided about them, and their leaving."""
