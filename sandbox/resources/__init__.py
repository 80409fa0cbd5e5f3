"""One module for each kind of Stripe object: what its addresses take, and what they answer."""
