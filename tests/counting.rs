//! What is sent, counted at the server.

use std::time::Duration;

use countersign::{Callback, ErrorKind, Limits, Recovery, RefreshToken};
use countersign_sandbox::{Answer, Config, Fault, Target, When};
use countersign_tests::{Fixture, TestResult};
use http::StatusCode;

#[tokio::test]
async fn g01_a_refused_callback_sends_nothing() -> TestResult {
    for config in [Config::hellosign(), Config::rfc6749()] {
        let at = Fixture::start(config).await?;
        let (flow, callback) = at.approved()?;

        let forged = Callback::from_query("code=stolen&state=guessed")?;
        let refused = flow.complete(&forged, &at.browser).await.expect_err("forged");
        assert!(matches!(
            refused.error.kind(),
            ErrorKind::StateMismatch | ErrorKind::IssuerMismatch
        ));

        let elsewhere = countersign::Binding::session("another session id");
        let refused = refused.flow.complete(&callback, &elsewhere).await.expect_err("another");
        assert_eq!(refused.error.kind(), ErrorKind::BindingMismatch);

        let flow = refused.flow;
        let denied = Callback::from_url(at.sandbox.deny(flow.authorization_url())?)?;
        let refused = flow.complete(&denied, &at.browser).await.expect_err("denied");
        assert_eq!(refused.error.kind(), ErrorKind::AuthorizationRefused);
        assert_eq!(refused.error.server().map(|it| it.code()), Some("access_denied"));

        for name in ["code", "state", "iss", "error"] {
            let url = at.sandbox.approve(refused.flow.authorization_url())?;
            let twice = Callback::from_url(format!("{url}&iss=x&error=x&{name}=x"));
            assert_eq!(twice.expect_err("twice").kind(), ErrorKind::CallbackMalformed, "{name}");
        }

        assert_eq!(at.sandbox.counts().token(), 0);
        assert_eq!(at.sandbox.counts().connections, 0);
        at.sandbox.stop().await;
    }
    Ok(())
}

/// Every way in which an answer can fail to come.
fn faults() -> Vec<Fault> {
    let json = |status, body: &str| Fault::Answer(Answer::new(status).body(body));
    vec![
        Fault::Reset { when: When::Before },
        Fault::Reset { when: When::After },
        Fault::Truncated,
        Fault::Endless { when: When::Before },
        Fault::Endless { when: When::After },
        Fault::garbage(),
        Fault::ContentType { content_type: "text/html".to_owned() },
        Fault::Redirect { status: StatusCode::TEMPORARY_REDIRECT, location: None },
        Fault::status(StatusCode::BAD_GATEWAY),
        Fault::status(StatusCode::SERVICE_UNAVAILABLE),
        Fault::status(StatusCode::TOO_MANY_REQUESTS),
        Fault::status(StatusCode::UNAUTHORIZED),
        json(StatusCode::OK, "null"),
        json(StatusCode::OK, "{}"),
        json(StatusCode::OK, r#"{"error":"server_error"}"#),
        json(StatusCode::BAD_REQUEST, r#"{"error":"invalid_grant"}"#),
    ]
}

#[tokio::test]
async fn g02_a_code_is_sent_once_whatever_the_server_does() -> TestResult {
    for config in [Config::hellosign(), Config::rfc6749()] {
        for fault in faults() {
            let at = Fixture::start(config.clone()).await?;
            // A connection that was used before is where clients below us are tempted to repeat.
            drop(at.authorized().await?);
            let (flow, callback) = at.approved()?;
            at.sandbox.reset_counts();
            at.sandbox.fail_next(fault.clone().on(Target::TokenGenerate));
            if let Err(failed) = flow.complete(&callback, &at.browser).await {
                assert!(failed.flow.state().is_spent(), "{fault:?}");
                assert_ne!(failed.error.recovery(), Recovery::Retry { after: None }, "{fault:?}");
                let again = failed.flow.complete(&callback, &at.browser).await;
                let again = again.expect_err("spent");
                assert_eq!(again.error.kind(), ErrorKind::CodeSpent, "{fault:?}");
            }
            assert_eq!(at.sandbox.counts().token(), 1, "{fault:?}");
            at.sandbox.stop().await;
        }
    }
    Ok(())
}

#[tokio::test]
async fn g02_what_was_not_sent_may_be_sent_later() -> TestResult {
    let at = Fixture::start(Config::hellosign()).await?;
    let (flow, callback) = at.approved()?;
    let state = flow.into_state();
    let Fixture { sandbox, client, browser, .. } = at;
    sandbox.stop().await;
    let flow = client.resume(state)?;
    let failed = flow.complete(&callback, &browser).await.expect_err("nobody listens");
    assert_eq!(failed.error.kind(), ErrorKind::Transport);
    assert_eq!(failed.error.recovery(), Recovery::Retry { after: None });
    assert!(!failed.flow.state().is_spent());
    Ok(())
}

#[tokio::test]
async fn g02_a_time_limit_spends_the_code() -> TestResult {
    let at = Fixture::start(Config::hellosign()).await?;
    let impatient = countersign::Client::builder(at.client.provider().clone(), Config::CLIENT_ID)
        .secret(Config::CLIENT_SECRET)
        .redirect_uri("http://127.0.0.1:8799/callback")
        .transport(countersign::ReqwestTransport::new()?)
        .clock(at.clock.clone())
        .limits(Limits::default().with_timeout(Duration::from_millis(100)))
        .build()?;
    let (flow, callback) = at.approved()?;
    at.sandbox.fail_next(Fault::Hold { when: When::Before });
    let flow = impatient.resume(flow.into_state())?;
    let failed = flow.complete(&callback, &at.browser).await.expect_err("held");
    assert_eq!(failed.error.recovery(), Recovery::Reauthorize);
    assert!(failed.flow.state().is_spent());
    assert_eq!(at.sandbox.counts().token(), 1);
    Ok(())
}

#[tokio::test]
async fn g04_no_redirect_is_followed() -> TestResult {
    for config in [Config::hellosign(), Config::rfc6749()] {
        for status in [301, 302, 303, 307, 308] {
            let at = Fixture::start(config.clone()).await?;
            let status = StatusCode::from_u16(status)?;
            let redirect = || Fault::Redirect { status, location: None };
            let flow = at.authorized().await?.expire();
            at.sandbox.fail_next(redirect().on(Target::TokenRefresh));
            let failed = flow.refresh().await.expect_err("a redirect");
            assert_eq!(failed.error.kind(), ErrorKind::UnexpectedStatus);
            assert_eq!(failed.error.http().map(|it| it.status()), Some(status));

            let (flow, callback) = at.approved()?;
            at.sandbox.fail_next(redirect().on(Target::TokenGenerate));
            let failed = flow.complete(&callback, &at.browser).await.expect_err("a redirect");
            assert_eq!(failed.error.kind(), ErrorKind::UnexpectedStatus);

            if at.client.can_revoke() {
                at.sandbox.fail_next(redirect().on(Target::Revoke));
                let token = RefreshToken::new("a token")?;
                let error = at.client.revoke_refresh_token(&token).await.expect_err("a redirect");
                assert_eq!(error.kind(), ErrorKind::UnexpectedStatus);
                assert_eq!(at.sandbox.counts().revoke, 1);
            }

            assert_eq!(at.sandbox.counts().trap, 0, "{status}");
            assert_eq!(at.sandbox.counts().token_refresh, 1);
            at.sandbox.stop().await;
        }
    }
    Ok(())
}

#[tokio::test]
async fn g04_an_endless_answer_ends_at_the_limit() -> TestResult {
    let at = Fixture::start(Config::hellosign()).await?;
    let flow = at.authorized().await?.expire();
    at.sandbox.fail_next(Fault::Endless { when: When::After });
    let failed = flow.refresh().await.expect_err("endless");
    let transport = failed.error.transport().map(|it| it.kind());
    assert_eq!(transport, Some(countersign::TransportErrorKind::TooLarge));
    // HelloSign does not rotate, and so the same may be sent again.
    assert_eq!(failed.error.recovery(), Recovery::Retry { after: None });
    assert!(failed.flow.refresh().await.is_ok());
    Ok(())
}

#[tokio::test]
async fn a_lost_refresh_answer_is_told_by_the_providers_rotation() -> TestResult {
    for (config, recovery) in [
        (Config::hellosign(), Recovery::Retry { after: None }),
        (Config::rfc6749(), Recovery::OutcomeUnknown),
    ] {
        let at = Fixture::start(config).await?;
        let flow = at.authorized().await?.expire();
        at.sandbox.fail_next(Fault::Reset { when: When::After }.on(Target::TokenRefresh));
        let failed = flow.refresh().await.expect_err("reset");
        assert_eq!(failed.error.recovery(), recovery);
        assert_eq!(at.sandbox.counts().token_refresh, 1);
    }
    Ok(())
}
