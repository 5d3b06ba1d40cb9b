//! Guarantee G5: secrets that are driven through everything, over each transport, appear nowhere.
//!
//! One test in a process of its own: it listens to every log line of the process, at TRACE.

use std::error::Error;
use std::fmt::Debug;
use std::io;
use std::sync::{Arc, Mutex, PoisonError};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use countersign::hellosign::{AccountApi, ApiCredentials, OAuthApi, OAuthTokenRefreshRequest};
use countersign::{Callback, Client, ExposeSecret, IsahcTransport, ReqwestTransport, Transport};
use countersign_sandbox::{Answer, ClientRegistration, Config, Fault, When};
use countersign_tests::{Fixture, TestResult};
use http::StatusCode;
use tracing_subscriber::fmt::MakeWriter;

const CLIENT_ID: &str = "canary-app";
const CLIENT_SECRET: &str = "cAnArY-client/secret+&%\"é";

/// What was logged, or would have been by a user who prints everything.
#[derive(Clone, Default)]
struct Printed(Arc<Mutex<Vec<u8>>>);

impl Printed {
    fn text(&self) -> String {
        let bytes = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        String::from_utf8_lossy(&bytes).into_owned()
    }

    fn debug(&self, value: &impl Debug) {
        self.print(&format!("{value:?} {value:#?}"));
    }

    fn error(&self, error: &(dyn Error + 'static)) {
        self.print(&format!("{error:?} {error:#?} {error}"));
        if let Some(source) = error.source() {
            self.error(source);
        }
    }

    fn print(&self, text: &str) {
        let mut bytes = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        bytes.extend_from_slice(text.as_bytes());
        bytes.push(b'\n');
    }
}

impl io::Write for Printed {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Printed {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

#[tokio::test]
async fn g05_no_secret_is_logged_or_printed() -> TestResult {
    let printed = Printed::default();
    tracing_subscriber::fmt()
        .with_env_filter("trace")
        .with_ansi(false)
        .with_writer(printed.clone())
        .try_init()
        .map_err(|error| error.to_string())?;

    let mut secrets = Secrets::default();
    secrets.add(CLIENT_SECRET);
    drive_dialects(ReqwestTransport::new()?, &printed, &mut secrets).await?;
    drive_dialects(IsahcTransport::new()?, &printed, &mut secrets).await?;

    let text = printed.text();
    let logs = ["TRACE", "countersign_sandbox", "hyper_util::", "isahc::"];
    let prints = ["AuthorizationFlow", "ReqwestTransport", "IsahcTransport", "ERROR_MARK"];
    for expected in logs.into_iter().chain(prints) {
        assert!(text.contains(expected), "nothing of {expected} was printed: the test is blind");
    }
    for secret in &secrets.0 {
        for form in forms(secret) {
            assert!(!text.contains(&form), "a secret was printed, as {form:?}");
        }
    }
    Ok(())
}

async fn drive_dialects(
    transport: impl Transport + Clone,
    printed: &Printed,
    secrets: &mut Secrets,
) -> TestResult {
    for config in [Config::hellosign(), Config::rfc6749()] {
        let registration =
            ClientRegistration::confidential(CLIENT_ID, CLIENT_SECRET).any_loopback_redirect_uri();
        let config = config.client(registration);
        let at = Fixture::with_transport(config, transport.clone()).await?;
        let builder = Client::builder(at.client.provider().clone(), CLIENT_ID)
            .secret(CLIENT_SECRET)
            .redirect_uri("http://127.0.0.1:8799/callback")
            .transport(transport.clone())
            .clock(at.clock.clone());
        printed.debug(&builder);
        let client = builder.build()?;
        drive(&at, &client, &transport, printed, secrets).await?;
        at.sandbox.stop().await;
    }
    Ok(())
}

/// Success and failure of everything that holds a secret.
async fn drive(
    at: &Fixture,
    client: &Client,
    transport: &(impl Transport + Clone),
    printed: &Printed,
    secrets: &mut Secrets,
) -> TestResult {
    printed.debug(client);
    printed.debug(transport);
    let flow = client.authorize(&at.browser).begin()?;
    printed.debug(&flow);
    secrets.parameters_of(flow.authorization_url());
    let url = at.sandbox.approve(flow.authorization_url())?;
    secrets.parameters_of(&url);
    let callback = Callback::from_url(&url)?;
    printed.debug(&callback);
    let stored = serde_json::to_string(flow.state())?;
    if let Some(verifier) = stored.split("\"verifier\":\"").nth(1) {
        secrets.add(verifier.split('"').next().unwrap_or_default());
    }
    let state: countersign::Pending = serde_json::from_str(&stored)?;

    // A server that says back what it was sent, in every spelling.
    let echo = forms(CLIENT_SECRET).join(" ");
    let echoing = serde_json::json!({ "error": echo, "error_description": echo });
    for status in [StatusCode::OK, StatusCode::BAD_REQUEST, StatusCode::BAD_GATEWAY] {
        for body in [echoing.to_string(), echo.clone()] {
            let state: countersign::Pending = serde_json::from_str(&stored)?;
            let answer = Answer::new(status)
                .header(
                    http::HeaderName::from_static("x-echo"),
                    CLIENT_SECRET.escape_default().to_string().parse()?,
                )
                .body(body);
            at.sandbox.fail_next(Fault::Answer(answer));
            let failed = client.resume(state)?.complete(&callback, &at.browser).await;
            let failed = failed.err().ok_or("an error was taken for tokens")?;
            printed.error(&failed);
            printed.debug(&failed.error.http());
            printed.debug(&failed.error.server());
        }
    }

    let flow = client.resume(state)?.complete(&callback, &at.browser).await?;
    secrets.add(flow.access_token().expose_secret());
    let refresh_token = flow.tokens().refresh_token().cloned().ok_or("no refresh token")?;
    secrets.add(refresh_token.expose_secret());
    printed.debug(&flow);
    printed.debug(flow.tokens());
    printed.debug(&flow.access_token().authorization_header());
    let credentials = ApiCredentials::AccessToken(flow.access_token().clone());
    printed.debug(&credentials);
    let api = AccountApi::with_origin(at.sandbox.origin(), transport.clone(), credentials)?;
    printed.debug(&api.account_get_with_http_info(None, None).await?);

    let flow = flow.expire();
    printed.debug(&flow);
    at.sandbox.fail_next(Fault::Reset { when: When::Before });
    let failed = flow.refresh().await.err().ok_or("a reset was taken for tokens")?;
    printed.print("ERROR_MARK");
    printed.error(&failed);
    let flow = failed.flow.refresh().await?;
    secrets.add(flow.access_token().expose_secret());
    printed.debug(&flow);

    let api = OAuthApi::with_provider(at.client.provider().clone(), transport.clone())?;
    let request = OAuthTokenRefreshRequest::new("cAnArY-wrong-refresh-token")
        .with_client(CLIENT_ID, CLIENT_SECRET);
    secrets.add("cAnArY-wrong-refresh-token");
    printed.debug(&request);
    if let Err(error) = api.oauth_token_refresh(&request).await {
        printed.error(&error);
    }

    if client.can_revoke() {
        let token = flow.tokens().refresh_token().cloned().ok_or("no refresh token")?;
        secrets.add(token.expose_secret());
        let echo = forms(token.expose_secret()).join(" ");
        let body = serde_json::json!({ "error": echo, "error_description": echo }).to_string();
        at.sandbox.fail_next(Fault::Answer(Answer::new(StatusCode::BAD_REQUEST).body(body)));
        let error = client.revoke_refresh_token(&token).await.err().ok_or("it was refused")?;
        printed.error(&error);
        client.revoke_access_token(flow.access_token()).await?;
        client.revoke_refresh_token(&token).await?;
    }

    // Nobody listens: the client below says so, and would like to say where.
    let gone = countersign::Provider::hellosign().with_origin("http://127.0.0.1:1");
    let gone = Client::builder(gone, CLIENT_ID)
        .secret(CLIENT_SECRET)
        .transport(transport.clone())
        .build()?;
    let error = gone.refresh(&refresh_token).await.err().ok_or("nobody answered")?;
    printed.error(&error);
    assert!(!format!("{error:?}").contains("127.0.0.1:1/"), "a URL is in {error:?}");
    Ok(())
}

#[derive(Default)]
struct Secrets(Vec<String>);

impl Secrets {
    fn add(&mut self, secret: &str) {
        self.0.push(secret.to_owned());
    }

    fn parameters_of(&mut self, url: &str) {
        for parameter in url.split(['?', '&']) {
            if let Some(("state" | "code", value)) = parameter.split_once('=') {
                self.add(value);
            }
        }
    }
}

/// A secret as it is, for JSON, for URLs and in base64.
fn forms(secret: &str) -> Vec<String> {
    let json = serde_json::Value::from(secret).to_string();
    let form = form_urlencoded::byte_serialize(secret.as_bytes()).collect();
    let basic = STANDARD.encode(format!("{CLIENT_ID}:{secret}"));
    vec![secret.to_owned(), json.trim_matches('"').to_owned(), form, STANDARD.encode(secret), basic]
}
