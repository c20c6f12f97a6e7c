from django.apps import AppConfig


class ConnectionsConfig(AppConfig):
    name = "carillon.connections"
    label = "connections"
