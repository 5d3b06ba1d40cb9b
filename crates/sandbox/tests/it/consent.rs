//! The consent page, as a browser uses it.

use countersign_sandbox::{AuthorizeError, ClientRegistration, Config};

use crate::support::{CALLBACK, Peer, Reply, parameter, send};

impl Peer {
    async fn open(&self, url: &str) -> Reply {
        send(self.http.get(url)).await
    }

    async fn decide(&self, page: &Reply, decision: &str, account: &str) -> Reply {
        let form = [
            ("request_id", request_id(page).as_str()),
            ("decision", decision),
            ("account", account),
        ]
        .map(|(name, value)| (name, value.to_owned()));
        send(self.post("/oauth/authorize").form(&form)).await
    }
}

fn request_id(page: &Reply) -> String {
    let after = page.text.split("name=\"request_id\" value=\"").nth(1);
    let id = after.and_then(|rest| rest.split('"').next());
    id.expect("a request id").to_owned()
}

#[tokio::test]
async fn approving_sends_the_browser_back_with_a_code() {
    let peer = Peer::hellosign().await;
    let page = peer.open(&peer.authorization_url()).await;
    assert_eq!(page.status, 200);
    assert_eq!(page.header("content-type"), Some("text/html; charset=utf-8"));
    assert_eq!(page.header("x-frame-options"), Some("DENY"));
    let policy = page.header("content-security-policy").expect("a policy");
    assert!(policy.contains("default-src 'none'") && policy.contains("frame-ancestors 'none'"));
    assert!(!page.text.contains("canary-state"), "state is not shown");

    let approved = peer.decide(&page, "approve", "jane@sandbox.example").await;
    assert_eq!(approved.status, 303);
    let callback = approved.header("location").expect("a location");
    assert!(callback.starts_with(&format!("{CALLBACK}?code=")), "{callback}");
    assert_eq!(parameter(callback, "state").as_deref(), Some("canary-state"));
    let code = parameter(callback, "code").expect("a code");
    assert_eq!(peer.generate(&code).await.status, 200);
    assert_eq!(peer.sandbox.grants()[0].account, "jane@sandbox.example");
    let counts = peer.sandbox.counts();
    assert_eq!((counts.authorize, counts.consent), (1, 1));
}

#[tokio::test]
async fn denying_sends_it_back_with_an_error() {
    let peer = Peer::hellosign().await;
    let page = peer.open(&peer.authorization_url()).await;
    let denied = peer.decide(&page, "deny", "").await;
    let callback = denied.header("location").expect("a location");
    assert_eq!(parameter(callback, "error").as_deref(), Some("access_denied"));
    assert!(parameter(callback, "error_description").is_some());
    assert_eq!(parameter(callback, "state").as_deref(), Some("canary-state"));
    assert!(peer.sandbox.grants().is_empty());
}

#[tokio::test]
async fn a_page_is_answered_once() {
    let peer = Peer::hellosign().await;
    let page = peer.open(&peer.authorization_url()).await;
    assert_eq!(peer.decide(&page, "maybe", Config::ACCOUNT).await.status, 400);
    assert_eq!(peer.decide(&page, "approve", "").await.status, 400);
    assert_eq!(peer.decide(&page, "approve", Config::ACCOUNT).await.status, 303);
    let again = peer.decide(&page, "approve", Config::ACCOUNT).await;
    assert_eq!(again.status, 400);
    assert_eq!(again.header("location"), None);
    assert_eq!(peer.sandbox.grants().len(), 1);
}

#[tokio::test]
async fn an_untrusted_request_is_never_redirected() {
    let peer = Peer::hellosign().await;
    let endpoint = peer.sandbox.authorization_url();
    for query in [
        format!("client_id=stranger&response_type=code&redirect_uri={CALLBACK}"),
        "client_id=sandbox-client&response_type=code&redirect_uri=https://evil.example/".to_owned(),
        "client_id=sandbox-client&response_type=code&redirect_uri=http://127.0.0.1/%23fragment"
            .to_owned(),
        "client_id=%3Cscript%3E&response_type=code".to_owned(),
        String::new(),
    ] {
        let url = format!("{endpoint}?{query}");
        let page = peer.open(&url).await;
        assert_eq!(page.status, 400, "{query}");
        assert_eq!(page.header("location"), None);
        assert_eq!(page.header("content-type"), Some("text/html; charset=utf-8"));
        assert!(!page.text.contains("<script"));
        let refused = peer.sandbox.approve(&url);
        assert!(matches!(refused, Err(AuthorizeError::Refused(_))));
    }
    let elsewhere = peer.sandbox.approve("http://127.0.0.1:1/oauth/authorize?client_id=x");
    assert!(matches!(elsewhere, Err(AuthorizeError::Foreign)));
}

#[tokio::test]
async fn an_existing_query_stays() {
    let client = ClientRegistration::confidential(Config::CLIENT_ID, Config::CLIENT_SECRET)
        .redirect_uri("https://app.example/cb?tenant=%7e1&x");
    let peer = Peer::start(Config::hellosign().client(client)).await;
    let url = format!(
        "{}?client_id=sandbox-client&response_type=code&state=s",
        peer.sandbox.authorization_url()
    );
    let callback = peer.sandbox.approve(&url).expect("approves");
    assert!(callback.starts_with("https://app.example/cb?tenant=%7e1&x&code="), "{callback}");
    assert!(callback.ends_with("&state=s"));
}

#[tokio::test]
async fn what_the_client_sends_is_escaped() {
    let peer = Peer::hellosign().await;
    let url = format!("{}&scope=%22%3E%3Cscript%3Ealert(1)", peer.authorization_url());
    let page = peer.open(&url).await;
    assert_eq!(page.status, 200);
    assert!(page.text.contains("&quot;&gt;&lt;script&gt;alert(1)"), "{}", page.text);
}

#[tokio::test]
async fn in_process_and_over_http_are_the_same() {
    let peer = Peer::rfc6749().await;
    let in_process = peer.sandbox.approve(&peer.authorization_url()).expect("approves");
    assert_eq!(peer.sandbox.counts().authorize, 0, "not counted");
    let page = peer.open(&peer.authorization_url()).await;
    let over_http = peer.decide(&page, "approve", Config::ACCOUNT).await;
    let over_http = over_http.header("location").expect("a location");
    for name in ["state", "iss"] {
        assert_eq!(parameter(&in_process, name), parameter(over_http, name));
    }
    let code = parameter(over_http, "code").expect("a code");
    assert_eq!(peer.generate(&code).await.status, 200);
}
