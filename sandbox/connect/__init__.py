"""Connected accounts beyond the API: their onboarding, and their leaving."""
