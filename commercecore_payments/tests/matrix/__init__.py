"""Every route of the API, asked by everybody who has no business there: the routes, their tenants, and what may not move."""
