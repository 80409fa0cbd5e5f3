"""The Postman collection: made from the API's description, in an order in which it can be run from its first request on."""
