"""Webhooks of the carrier. Who calls is decided by a signature, not by a session; a call that is not the carrier's is
counted and changes nothing. Answers don't wait for Salesforce or for the carrier."""

from collections.abc import Callable
from functools import wraps
from http import HTTPStatus

from django.core.exceptions import SuspiciousOperation
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseNotAllowed, QueryDict
from django.views.decorators.csrf import csrf_exempt

from carillon.lib.sealing import SealBroken
from carillon.messaging import credentials, inbound, reports, self_test, webhooks
from carillon.messaging.carriers.twilio import SIGNATURE_HEADER
from carillon.messaging.models import Texting

# Twilio sends what stands in it: nothing.
EMPTY = '<?xml version="1.0" encoding="UTF-8"?><Response></Response>'

Webhook = Callable[[HttpRequest, Texting, QueryDict], HttpResponse]


def _webhook(view: Webhook) -> Callable[[HttpRequest, str], HttpResponse]:
    """Lets through what the carrier of the token's workspace has signed."""

    @csrf_exempt
    @wraps(view)
    def checked(request: HttpRequest, path_token: str) -> HttpResponse:
        texting = webhooks.texting_of(path_token)
        if texting is None:
            raise Http404("No workspace has this webhook.")
        if request.method != "POST":
            if SIGNATURE_HEADER in request.headers:
                # Not a browser that was shown the address: a text is lost.
                webhooks.count_refused(
                    texting, f"It came by {request.method:.10}: choose HTTP POST at the carrier."
                )
            return HttpResponseNotAllowed(["POST"])
        if _too_large(request):
            return HttpResponse(status=HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
        call = _call(request)
        try:
            reason = webhooks.why_refused(texting, call)
        except SealBroken as error:
            webhooks.count_refused(texting, str(error))
            return HttpResponse(
                "No signature can be checked here now.", status=HTTPStatus.SERVICE_UNAVAILABLE
            )
        if reason:
            webhooks.count_refused(texting, reason)
            return HttpResponse("This call is not signed by the carrier.", status=HTTPStatus.FORBIDDEN)
        return view(request, texting, call.fields)

    return checked


@_webhook
def inbound_text(request: HttpRequest, texting: Texting, fields: QueryDict) -> HttpResponse:
    try:
        inbound.receive(texting, inbound.read(fields, texting.workspace.default_region))
    except inbound.NoText as error:
        webhooks.count_refused(texting, error.sentence)
        return HttpResponse(error.sentence, status=HTTPStatus.BAD_REQUEST)
    return HttpResponse(EMPTY, content_type="text/xml")


@_webhook
def status(request: HttpRequest, texting: Texting, fields: QueryDict) -> HttpResponse:
    reports.receive(texting, fields, request.GET.get("text", ""))
    return HttpResponse(status=HTTPStatus.NO_CONTENT)


@_webhook
def self_test_call(request: HttpRequest, texting: Texting, fields: QueryDict) -> HttpResponse:
    """Proves that the call met this Carillon, and says from where it seems to have come."""
    proof = self_test.proof(credentials.auth_token(texting), fields.get("Challenge", ""))
    return HttpResponse(f"{proof} {_origin(request)}", content_type="text/plain")


def _too_large(request: HttpRequest) -> bool:
    length = request.META.get("CONTENT_LENGTH") or "0"
    return not length.isdigit() or int(length) > webhooks.MOST_BYTES


def _call(request: HttpRequest) -> webhooks.Call:
    """Whatever encoding it claims: the carrier writes UTF-8, and what was signed otherwise does not match."""
    try:
        fields = QueryDict(request.body, encoding="utf-8")
    except SuspiciousOperation:
        # More fields than any text has.
        fields = QueryDict()
    return webhooks.Call(
        path=request.get_full_path(),
        fields=fields,
        signature=request.headers.get(SIGNATURE_HEADER, ""),
        origin=_origin(request),
    )


def _origin(request: HttpRequest) -> str:
    return f"{request.scheme}://{request.get_host()}"
