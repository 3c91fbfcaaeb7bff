import pytest

from sidecars.mail import policy


@pytest.mark.parametrize(
    "url",
    [
        "https://a.example/", "HTTP://a.example", "mailto:a@b.example", "tel:+49", "sms:+49", "#top", "",
        "/x", "x.png", "//a.example/x", "?a=b:c", "a/b:c", "https://_kq1_.example/", "_kq1_/x",
        "https://a.example/_kq1_:_kq2_",
        "_kq0_https://a.example_kq1_https://b.example_kq2_",
    ],
)  # fmt: skip
def test_addresses_that_mails_may_use(url):
    assert policy.is_safe_url(url)


@pytest.mark.parametrize(
    "url",
    [
        "javascript:alert(1)", "JAVASCRIPT:alert(1)", " javascript:alert(1)", "java\tscript:alert(1)",
        "java\r\nscript:alert(1)", "\x01javascript:alert(1)", "vbscript:x", "data:text/html,x", "file:///etc/passwd",
        "_kq1_javascript:alert(1)", "java_kq1_script:alert(1)", "javascript_kq1_:alert(1)", "_kq1_:alert(1)",
        "cid:x", "blob:x", "https_kq1_:x",
    ],
)  # fmt: skip
def test_addresses_that_they_may_not_use_whatever_a_condition_leaves_of_them(url):
    assert not policy.is_safe_url(url)


@pytest.mark.parametrize(
    "css",
    [
        "color: red", "background: url(https://a.example/x.png)", "mso-line-height-rule: exactly",
        "scroll-behavior: smooth", "overscroll-behavior:none", "@media (max-width: 9px) { a { color: red } }",
        "width: _kq1_px", "a > b { color: red }",
    ],
)  # fmt: skip
def test_css_that_mails_may_use(css):
    assert policy.is_safe_css(css)


@pytest.mark.parametrize(
    "css",
    [
        "width: expression(alert(1))", "width: EXPRESSION (alert(1))", r"width: \65xpression(alert(1))",
        "width: exp/**/ression(alert(1))", "width: expr_kq1_ession(alert(1))", "a{behavior:url(x.htc)}",
        "behavior : url(x)", "-moz-binding:url(x)", "background:url('javascript:alert(1)')",
        "background:url(java\\script:alert(1))", "background:url( vbscript:x )", "@import 'x.css'",
        r"@\69mport 'x'", "</style><script>", "<!--", "<style>", "<?x", "@charset 'utf-7'",
    ],
)  # fmt: skip
def test_css_that_they_may_not_use(css):
    assert not policy.is_safe_css(css)


def test_imports_go_and_the_rest_of_a_style_sheet_stays():
    assert policy.stylesheet("@import url(https://a.example/x.css); a { color: red }") == " a { color: red }"


def test_a_new_window_is_the_only_target():
    assert policy.attribute("target", "_top") == "_blank"
