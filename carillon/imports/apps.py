from django.apps import AppConfig


class ImportsConfig(AppConfig):
    name = "carillon.imports"
    label = "imports"
