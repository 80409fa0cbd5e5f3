from django.apps import AppConfig


class PaymentMethodsConfig(AppConfig):
    name = "paymentmethods"
    verbose_name = "Payment methods"
