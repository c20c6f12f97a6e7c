import pytest
from hypothesis import given
from hypothesis import strategies as st

from carillon.salesforce.errors import HostRefused
from carillon.salesforce.hosts import check_host, is_local


@pytest.mark.parametrize(
    ("given", "origin"),
    [
        ("acme.my.salesforce.com", "https://acme.my.salesforce.com"),
        (" https://Acme.My.Salesforce.com/ ", "https://acme.my.salesforce.com"),
        ("acme--uat.sandbox.my.salesforce.com", "https://acme--uat.sandbox.my.salesforce.com"),
        ("acme-dev-ed.develop.my.salesforce.com", "https://acme-dev-ed.develop.my.salesforce.com"),
        ("a-1.scratch.my.salesforce.com", "https://a-1.scratch.my.salesforce.com"),
        ("a.trailblaze.my.salesforce.com", "https://a.trailblaze.my.salesforce.com"),
        ("agency.my.salesforce.mil", "https://agency.my.salesforce.mil"),
        ("acme.my.sfcrmproducts.cn", "https://acme.my.sfcrmproducts.cn"),
    ],
)
@pytest.mark.parametrize("allow_local", [True, False])
def test_my_domain_hosts_are_accepted(given: str, origin: str, allow_local: bool) -> None:
    assert check_host(given, allow_local=allow_local) == origin
    assert check_host(origin, allow_local=allow_local) == origin
    assert not is_local(origin)


@pytest.mark.parametrize(
    "given",
    [
        "",
        "my.salesforce.com",
        "sandbox.my.salesforce.com",
        ".my.salesforce.com",
        "a.b.my.salesforce.com",
        "my.salesforce.com.evil.org",
        "acme.my.salesforce.com.evil.org",
        "acmemy.salesforce.com",
        "evilmy.salesforce.com",
        "acme.my.salesforce.com@evil.org",
        "evil@acme.my.salesforce.com",
        "https://user:pass@acme.my.salesforce.com",
        "acme.my.salesforce.com:8443",
        "acme.my.salesforce.com:443",
        "acme.my.salesforce.com.",
        "acme.my.salesforce.com/services",
        "acme.my.salesforce.com?x",
        "acme.my.salesforce.com#x",
        "https://evil.org/acme.my.salesforce.com",
        "https://evil.org?.my.salesforce.com",
        "https://evil.org#.my.salesforce.com",
        "evil.org\\.my.salesforce.com",
        "evil.org%2f.my.salesforce.com",
        "evil.org\n.my.salesforce.com",
        "evil.org .my.salesforce.com",
        "аcme.my.salesforce.com",
        "acme.my.salesforce。com",
        "acme.my.ſalesforce.com",
        "acme_x.my.salesforce.com",
        "-acme.my.salesforce.com",
        "http://acme.my.salesforce.com",
        "ftp://acme.my.salesforce.com",
        "https://https://acme.my.salesforce.com",
        "acme.force.com",
        "acme.my.site.com",
        "na1.salesforce.com",
        "http://10.0.0.1:8000",
        "http://169.254.169.254",
        "http://127.0.0.1",
        "http://127.0.0.1:0",
        "http://127.0.0.1:99999",
        "http://127.1:8000",
        "http://127.0.0.2:8000",
        "http://localhost.evil.org:8000",
        "https://127.0.0.1:8000",
        "http://127.0.0.1:8000/x",
        "http://a@127.0.0.1:8000",
    ],
)
def test_everything_else_is_refused(given: str) -> None:
    for allow_local in (True, False):
        with pytest.raises(HostRefused) as caught:
            check_host(given, allow_local=allow_local)
        assert caught.value.remedy


@pytest.mark.parametrize("host", ["127.0.0.1:8000", "localhost:1", "[::1]:65535"])
def test_plain_http_to_this_machine_needs_leave(host: str) -> None:
    assert check_host(f"http://{host}/", allow_local=True) == f"http://{host}"
    assert is_local(f"http://{host}")
    with pytest.raises(HostRefused, match="this machine") as caught:
        check_host(f"http://{host}", allow_local=False)
    assert "CARILLON_ALLOW_LOCAL_ORG=1" in caught.value.remedy


@pytest.mark.parametrize(
    ("page", "host"),
    [
        ("https://acme.lightning.force.com/lightning/page/home", "acme.my.salesforce.com"),
        ("acme--uat.sandbox.lightning.force.com", "acme--uat.sandbox.my.salesforce.com"),
        ("https://acme.my.salesforce-setup.com/lightning/setup/SetupOneHome/home", "acme.my.salesforce.com"),
    ],
)
def test_the_address_of_a_page_is_answered_with_the_my_domain_host(page: str, host: str) -> None:
    with pytest.raises(HostRefused) as caught:
        check_host(page, allow_local=False)

    assert f" {host}." in str(caught.value)


@pytest.mark.parametrize("host", ["login.salesforce.com", "https://test.salesforce.com"])
def test_the_general_sign_in_hosts_are_explained(host: str) -> None:
    with pytest.raises(HostRefused, match="only on an org's own My Domain"):
        check_host(host, allow_local=False)


@given(st.text(max_size=30), st.sampled_from([".my.salesforce.com", ".evil.org", ".salesforce.com", ""]))
def test_whatever_is_accepted_is_https_on_a_my_domain_host(text: str, ending: str) -> None:
    try:
        origin = check_host(text + ending, allow_local=False)
    except HostRefused:
        return

    assert origin.startswith("https://")
    assert origin.isascii()
    assert origin.endswith((".my.salesforce.com", ".my.salesforce.mil", ".my.sfcrmproducts.cn"))
