"""JWT bearer: a program signs in with its key, no password and no secret."""

from datetime import UTC, datetime, timedelta

import httpx
import jwt
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID

from orgsim.staff import API_USERNAME, CLIENT_ID
from orgsim.testing import OrgSim
from tests.contract.conftest import V

_JWT_BEARER = "urn:ietf:params:oauth:grant-type:jwt-bearer"


@pytest.fixture(scope="module")
def key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65_537, key_size=2_048)


def _certificate(key: rsa.RSAPrivateKey) -> str:
    name, now = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "program")]), datetime.now(UTC)
    builder = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
    dated = builder.serial_number(1).not_valid_before(now).not_valid_after(now + timedelta(days=1))
    return dated.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM).decode()


def _public_pem(key: rsa.RSAPrivateKey) -> str:
    form = serialization.PublicFormat.SubjectPublicKeyInfo
    return key.public_key().public_bytes(serialization.Encoding.PEM, form).decode()


def _sign_in(
    org: OrgSim, key: rsa.RSAPrivateKey, algorithm: str = "RS256", **changed: object
) -> httpx.Response:
    claims = {
        "iss": CLIENT_ID,
        "sub": API_USERNAME,
        "aud": "https://login.salesforce.com",
        "exp": int(datetime.now(UTC).timestamp()) + 180,
    }
    claims |= changed
    assertion = jwt.encode({name: value for name, value in claims.items() if value}, key, algorithm=algorithm)
    form = {"grant_type": _JWT_BEARER, "assertion": assertion}
    return httpx.post(f"{org.url}/services/oauth2/token", data=form)


@pytest.fixture
def registered(org: OrgSim, key: rsa.RSAPrivateKey) -> OrgSim:
    org.set_jwt_certificate(_certificate(key))
    return org


def test_a_signed_assertion_opens_a_session(registered: OrgSim, key: rsa.RSAPrivateKey) -> None:
    answer = _sign_in(registered, key).json()

    assert answer["token_type"] == "Bearer"
    assert "refresh_token" not in answer
    headers = {"Authorization": f"Bearer {answer['access_token']}"}
    assert httpx.get(f"{registered.url}{V}/limits", headers=headers).status_code == 200


def test_a_bare_public_key_does_as_well_as_a_certificate(org: OrgSim, key: rsa.RSAPrivateKey) -> None:
    org.set_jwt_certificate(_public_pem(key))

    assert _sign_in(org, key).status_code == 200


@pytest.mark.parametrize("audience", ["https://test.salesforce.com", "https://acme.my.salesforce.com", None])
def test_the_audience_is_a_login_host_or_the_org(
    registered: OrgSim, key: rsa.RSAPrivateKey, audience: str | None
) -> None:
    assert _sign_in(registered, key, aud=audience or registered.url).status_code == 200


def test_an_expiry_may_come_as_text(registered: OrgSim, key: rsa.RSAPrivateKey) -> None:
    expires = f"{(datetime.now(UTC) + timedelta(minutes=3)).timestamp():.0f}"

    assert _sign_in(registered, key, exp=expires).status_code == 200


def test_an_expiry_may_be_five_minutes_away_or_in_milliseconds(
    registered: OrgSim, key: rsa.RSAPrivateKey
) -> None:
    now = int(datetime.now(UTC).timestamp())

    answers = [_sign_in(registered, key, exp=exp) for exp in (now + 300, now * 1_000 + 300, now + 600)]

    assert [answer.status_code for answer in answers] == [200, 200, 400]


@pytest.mark.parametrize(
    ("changed", "error", "description"),
    [
        ({"aud": "https://example.org"}, "invalid_grant", "audience is invalid"),
        ({"aud": "https://login.salesforce.com.evil.example"}, "invalid_grant", "audience is invalid"),
        ({"aud": None}, "invalid_grant", "invalid assertion"),
        ({"exp": 1_700_000_000}, "invalid_grant", "expired authorization code"),
        ({"exp": 4_000_000_000}, "invalid_grant", "invalid assertion"),
        ({"exp": "soon"}, "invalid_grant", "invalid assertion"),
        ({"exp": None}, "invalid_grant", "invalid assertion"),
        ({"iss": "other"}, "invalid_client_id", "client identifier invalid"),
        ({"sub": "nobody@example.org"}, "invalid_grant", "user hasn't approved this consumer"),
        ({"algorithm": "RS512"}, "invalid_grant", "invalid assertion"),
    ],
)
def test_a_wrong_claim_is_refused(
    registered: OrgSim, key: rsa.RSAPrivateKey, changed: dict[str, str], error: str, description: str
) -> None:
    answer = _sign_in(registered, key, **changed)

    assert answer.status_code == 400
    assert answer.json() == {"error": error, "error_description": description}


def test_another_key_is_refused(registered: OrgSim) -> None:
    other = rsa.generate_private_key(public_exponent=65_537, key_size=2_048)

    assert _sign_in(registered, other).json()["error_description"] == "invalid assertion"


def test_without_a_certificate_no_assertion_is_good(shared_org: OrgSim, key: rsa.RSAPrivateKey) -> None:
    assert _sign_in(shared_org, key).json()["error_description"] == "invalid assertion"


@pytest.mark.parametrize("assertion", ["", "x.y.z", "not a token"])
def test_what_is_no_assertion_is_refused(registered: OrgSim, assertion: str) -> None:
    form = {"grant_type": _JWT_BEARER, "assertion": assertion}

    answer = httpx.post(f"{registered.url}/services/oauth2/token", data=form)

    assert answer.status_code == 400
    assert answer.json()["error"] == ("invalid_grant" if assertion else "invalid_request")


def test_a_user_has_to_have_approved_the_client(registered: OrgSim, key: rsa.RSAPrivateKey) -> None:
    registered.unapprove()
    refused = _sign_in(registered, key).json()

    registered.approve()

    assert refused["error_description"] == "user hasn't approved this consumer"
    assert _sign_in(registered, key).status_code == 200


def test_an_inactive_user_is_refused(registered: OrgSim, key: rsa.RSAPrivateKey) -> None:
    registered.set_active(API_USERNAME, False)

    assert _sign_in(registered, key).json()["error"] == "inactive_user"


def test_what_is_no_certificate_is_not_registered(org: OrgSim) -> None:
    small = rsa.generate_private_key(public_exponent=65_537, key_size=1_024)

    with pytest.raises(ValueError, match="no certificate or public key"):
        org.set_jwt_certificate("-----BEGIN CERTIFICATE-----\nx\n-----END CERTIFICATE-----")
    with pytest.raises(ValueError, match="2048 bits"):
        org.set_jwt_certificate(_public_pem(small))
