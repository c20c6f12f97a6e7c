from django.apps import AppConfig


class MessagingConfig(AppConfig):
    name = "carillon.messaging"
    label = "messaging"
