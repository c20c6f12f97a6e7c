from django.apps import AppConfig


class ConsentConfig(AppConfig):
    name = "carillon.consent"
    label = "consent"
