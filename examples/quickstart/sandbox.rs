//! The story against a sandbox.

use std::error::Error;
use std::time::Duration;

use countersign::hellosign::{AccountApi, ApiCredentials};
use countersign::{
    AccessToken, Binding, Callback, Client, Freshness, Pending, Provider, Transport,
};
use countersign_sandbox::{Config, Sandbox};
use countersign_testkit::ManualClock;

use crate::tell;

/// 2026-01-01T00:00:00Z, where both clocks begin.
const NEW_YEAR: u64 = 1_767_225_600;

const HOUR: Duration = Duration::from_secs(3600);

pub(crate) async fn run(transport: impl Transport + Clone) -> Result<(), Box<dyn Error>> {
    let sandbox = Sandbox::start(Config::hellosign().frozen_at(NEW_YEAR)).await?;
    let clock = ManualClock::default();
    tell::title(&format!("HelloSign's authorization, against a sandbox on {}", sandbox.origin()));

    let client =
        Client::builder(Provider::hellosign().with_origin(sandbox.origin()), Config::CLIENT_ID)
            .secret(Config::CLIENT_SECRET)
            .redirect_uri("http://127.0.0.1:8799/callback")
            .transport(transport.clone())
            .clock(clock.clone())
            .build()?;
    let alice = Binding::session("the id of Alice's session");

    tell::step("Pending");
    let flow = client.authorize(&alice).begin()?;
    tell::line("send the browser to", &tell::without_values(flow.authorization_url()));
    let callback = sandbox.approve(flow.authorization_url())?;
    let stored = serde_json::to_string(&flow.into_state())?;
    tell::line(
        "stored in the session",
        &format!("{} bytes of JSON, and taken up again", stored.len()),
    );
    let state: Pending = serde_json::from_str(&stored)?;
    let flow = client.resume(state)?;
    tell::line("the callback is", &tell::without_values(&callback));

    tell::step("Refused, and the flow comes back each time");
    let forged = Callback::from_url("/callback?code=stolen&state=guessed")?;
    let Err(refused) = flow.complete(&forged, &alice).await else {
        return Err("a forged callback was taken".into());
    };
    tell::line("a forged state", &refused.error.to_string());
    let callback = Callback::from_url(&callback)?;
    let mallory = Binding::session("the id of Mallory's session");
    let Err(refused) = refused.flow.complete(&callback, &mallory).await else {
        return Err("another browser's callback was taken".into());
    };
    tell::line("another browser", &refused.error.to_string());
    tell::line("token requests so far", &sandbox.counts().token().to_string());

    tell::step("Authorized");
    let flow = refused.flow.complete(&callback, &alice).await?;
    tell::line("access token", &tell::masked(flow.access_token()));
    tell::line("good until", &tell::instant(flow.expires_at()));
    tell::line("GET /v3/account", &account(&sandbox, &transport, flow.access_token()).await);

    tell::step("Expired, an hour later");
    clock.advance(HOUR);
    sandbox.advance(HOUR);
    tell::line("GET /v3/account", &account(&sandbox, &transport, flow.access_token()).await);
    let flow = match flow.check() {
        Freshness::Expired(flow) => flow,
        Freshness::Live(_) => return Err("the token is still good".into()),
    };
    tell::line("what is left", "a refresh token, and `refresh` as the only way on");

    tell::step("Refreshed");
    let flow = flow.refresh().await?;
    tell::line("access token", &tell::masked(flow.access_token()));
    tell::line("good until", &tell::instant(flow.expires_at()));
    tell::line("refresh token replaced", if flow.rotated() { "yes" } else { "no" });
    tell::line("GET /v3/account", &account(&sandbox, &transport, flow.access_token()).await);

    tell::step("Denied, by a user who says no");
    let flow = client.authorize(&alice).begin()?;
    let callback = Callback::from_url(sandbox.deny(flow.authorization_url())?)?;
    let Err(denied) = flow.complete(&callback, &alice).await else {
        return Err("a denied consent was taken".into());
    };
    tell::line("the provider says", &denied.error.to_string());

    let counts = sandbox.counts();
    tell::title(&format!(
        "The server saw {} code exchange, {} refresh and {} calls of its API.",
        counts.token_generate,
        counts.token_refresh,
        counts.api(),
    ));
    sandbox.stop().await;
    Ok(())
}

async fn account(
    sandbox: &Sandbox,
    transport: &(impl Transport + Clone),
    token: &AccessToken,
) -> String {
    let credentials = ApiCredentials::AccessToken(token.clone());
    let answer = match AccountApi::with_origin(sandbox.origin(), transport.clone(), credentials) {
        Ok(api) => api.account_get_with_http_info(None, None).await,
        Err(error) => Err(error),
    };
    tell::account(answer)
}
