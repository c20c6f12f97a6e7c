"""The Data Care page: for how long things are kept, and how many people were erased."""

from dataclasses import asdict

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods

from carillon.accounts.actions import Retention, retention_of, set_retention
from carillon.contacts.remembered import count_erased
from carillon.lib.errors import CarillonError
from carillon.web.access import MemberRequest, setup_reader
from carillon.web.forms import RetentionForm


@setup_reader
@require_http_methods(["GET", "HEAD", "POST"])
def data_care(request: MemberRequest) -> HttpResponse:
    workspace = request.user.workspace
    form = RetentionForm(request.POST or None, initial=asdict(retention_of(workspace)))
    if form.is_valid():
        try:
            set_retention(workspace=workspace, retention=Retention(**form.cleaned_data), by=request.user)
        except CarillonError as error:
            form.refuse(error)
        else:
            messages.success(request, "Saved. What is older than that goes the next night.")
            return redirect("data_care")
    return render(request, "web/data_care.html", {"form": form, "erased": count_erased(workspace)})
