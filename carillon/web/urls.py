"""Addresses of the pages. They hold public ids or Salesforce ids, never database keys."""

from django.urls import path

from carillon.web.views import (
    authentication,
    contact_import,
    contacts,
    data_care,
    dry_runs,
    held,
    import_history,
    members,
    sign_in,
)

urlpatterns = [
    path("", sign_in.home, name="home"),
    path("sign-in/", sign_in.sign_in, name="sign_in"),
    path("sign-out/", sign_in.sign_out, name="sign_out"),
    path("password/", sign_in.change_password, name="change_password"),
    path("password/<str:uid>/<str:token>/", sign_in.set_password, name="set_password"),
    path("authentication/", authentication.authentication, name="authentication"),
    path("authentication/confirm-org/", authentication.confirm_org, name="confirm_org"),
    path("authentication/api-budget/", authentication.api_budget, name="api_budget"),
    path("contact-import/", contact_import.start, name="contact_import_start"),
    path("contact-import/<slug:slug>/", contact_import.contact_import, name="contact_import"),
    path("contact-import/<slug:slug>/dry-run/", dry_runs.dry_run, name="dry_run"),
    path("contact-import/<slug:slug>/dry-run/start/", dry_runs.start_dry_run, name="start_dry_run"),
    path("contact-import/<slug:slug>/dry-run/progress/", dry_runs.dry_run_progress, name="dry_run_progress"),
    path("contact-import/<slug:slug>/dry-run/drop/", dry_runs.drop_dry_run, name="drop_dry_run"),
    path("import-history/", import_history.import_history, name="import_history"),
    path("import-history/start/<slug:slug>/", import_history.start_import, name="start_import"),
    path(
        "import-history/everything/<slug:slug>/", import_history.confirm_everything, name="confirm_everything"
    ),
    path("import-history/past-cap/<slug:slug>/", import_history.confirm_past_cap, name="confirm_past_cap"),
    path("import-history/<uuid:public_id>/", import_history.import_run, name="import_run"),
    path("import-history/<uuid:public_id>/progress/", import_history.run_progress, name="run_progress"),
    path("import-history/<uuid:public_id>/issues.csv", import_history.issues_csv, name="issues_csv"),
    path("import-history/<uuid:public_id>/held.csv", held.held_csv, name="held_csv"),
    path("import-history/<uuid:public_id>/held/<slug:decision>/", held.decide, name="decide_held"),
    path("import-history/<uuid:public_id>/cancel/", import_history.cancel_import, name="cancel_import"),
    path("contacts/", contacts.contacts, name="contacts"),
    path("contacts/<slug:salesforce_id>/", contacts.contact, name="contact"),
    path("contacts/<slug:salesforce_id>/erase/", contacts.erase, name="erase"),
    path("data-care/", data_care.data_care, name="data_care"),
    path("members/", members.members, name="members"),
    path("members/invite/", members.invite, name="invite"),
    path("members/<uuid:public_id>/", members.member, name="member"),
    path("members/<uuid:public_id>/password-link/", members.password_link, name="password_link"),
    path("members/<uuid:public_id>/deactivate/", members.deactivate, name="deactivate"),
    path("members/<uuid:public_id>/reactivate/", members.reactivate, name="reactivate"),
]
