from django.apps import AppConfig


class AccountsConfig(AppConfig):
    name = "carillon.accounts"
    label = "accounts"
