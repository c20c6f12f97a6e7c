"""The Authentication page: how Carillon signs in to Salesforce, and whether it works."""

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST

from carillon.connections import actions
from carillon.connections.models import ConnectionState, SalesforceConnection
from carillon.imports.queries import uses_of
from carillon.web.access import MemberRequest, admin_only, connection_of, connection_or_404, setup_reader
from carillon.web.cost import usage_of
from carillon.web.forms import BudgetForm, ConnectionForm


@sensitive_post_parameters("client_secret")
@setup_reader
@require_http_methods(["GET", "HEAD", "POST"])
def authentication(request: MemberRequest) -> HttpResponse:
    connection = connection_of(request)
    form = _form(request, connection)
    if form.is_valid():
        try:
            if connection is None or form.has_changed():
                connection = actions.save_connection(
                    workspace=request.user.workspace, by=request.user, **form.cleaned_data
                )
        except actions.ConnectionInvalid as error:
            form.refuse(error, error.field)
        else:
            if "test" in request.POST:
                return _tested(request, connection)
            messages.success(request, "Saved. Test the connection to see whether Salesforce accepts it.")
            return redirect("authentication")
    return _page(request, connection, form)


def _tested(request: MemberRequest, connection: SalesforceConnection) -> HttpResponse:
    uses = uses_of(request.user.workspace)
    report = actions.test_connection(connection=connection, by=request.user, uses=uses)
    connection.refresh_from_db()
    return _page(request, connection, ConnectionForm(initial=_initial(connection), has_secret=True), report)


@admin_only
@require_http_methods(["GET", "HEAD", "POST"])
def confirm_org(request: MemberRequest) -> HttpResponse:
    connection = connection_or_404(request)
    if connection.state != ConnectionState.OTHER_ORG:
        return redirect("authentication")
    if request.method == "POST":
        actions.confirm_org(connection=connection, by=request.user)
        messages.success(request, "The org is confirmed. The next import of each object reads everything.")
        return redirect("authentication")
    return render(request, "web/confirm_org.html", {"connection": connection})


@admin_only
@require_POST
def api_budget(request: MemberRequest) -> HttpResponse:
    connection = connection_or_404(request)
    form = BudgetForm(request.POST)
    if form.is_valid():
        try:
            actions.set_allowance(connection=connection, allowance=form.allowance(), by=request.user)
        except actions.ConnectionInvalid as error:
            form.refuse(error, error.field)
        else:
            messages.success(request, "Saved. The limits hold from the next API call on.")
            return redirect("authentication")
    shown = ConnectionForm(initial=_initial(connection), has_secret=True)
    return _page(request, connection, shown, budget=form)


def _form(request: MemberRequest, connection: SalesforceConnection | None) -> ConnectionForm:
    return ConnectionForm(
        request.POST if request.method == "POST" else None,
        initial=_initial(connection),
        has_secret=connection is not None,
    )


def _initial(connection: SalesforceConnection | None) -> dict[str, str]:
    if connection is None:
        return {}
    return {"host": connection.host, "client_id": connection.client_id}


def _page(
    request: MemberRequest,
    connection: SalesforceConnection | None,
    form: ConnectionForm,
    report: actions.ConnectionReport | None = None,
    budget: BudgetForm | None = None,
) -> HttpResponse:
    context: dict[str, object] = {"connection": connection, "form": form, "report": report}
    if connection:
        context["usage"] = usage_of(connection)
        context["budget"] = budget or BudgetForm.of(actions.allowance_of(connection))
    return render(request, "web/authentication.html", context)
