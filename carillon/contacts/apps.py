from django.apps import AppConfig


class ContactsConfig(AppConfig):
    name = "carillon.contacts"
    label = "contacts"
