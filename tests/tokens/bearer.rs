//! Tokens added to the requests of one origin, counted at the server.

use std::error::Error;
use std::time::Duration;

use countersign::http::{self, Request, Response, StatusCode};
use countersign::{Body, Delivery, Limits, ReqwestTransport, Transport, TransportErrorKind};
use countersign_sandbox::{Answer, Config, Fault, Target, When};
use countersign_testkit::RecordingTransport;
use countersign_tests::TestResult;
use countersign_tokens::{BearerLayer, BearerTransport, TokenError, TokenErrorKind};
use http_body_util::Full;
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use tower_layer::Layer;
use tower_service::Service;

use crate::support::World;

/// A transport that adds the tokens of a world's grant, and what goes out of it.
fn bearer(world: &World) -> Result<(BearerTransport, RecordingTransport), Box<dyn Error>> {
    let recorded = RecordingTransport::new(ReqwestTransport::new()?);
    let source = world.tokens.source(&world.key)?;
    let bearer = BearerTransport::new(recorded.clone(), source, world.at.sandbox.origin())?;
    Ok((bearer, recorded))
}

fn account(world: &World) -> Result<Request<Body>, http::Error> {
    Request::get(format!("{}/v3/account", world.at.sandbox.origin())).body(Body::empty())
}

/// Has every access token end at the server, which the client's clock does not see.
fn expire_at_the_server(world: &World) {
    world.at.sandbox.advance(Duration::from_secs(2 * 3600));
}

#[tokio::test]
async fn a_request_of_the_origin_gets_the_token() -> TestResult {
    let world = World::start(Config::rfc6749()).await?;
    let (api, _) = bearer(&world)?;
    for _ in 0..3 {
        let answer = api.send(account(&world)?, Limits::default()).await?;
        assert_eq!(answer.status(), StatusCode::OK);
    }
    assert_eq!((world.at.sandbox.counts().account, world.refreshes()), (3, 0));
    Ok(())
}

#[tokio::test]
async fn a_token_that_the_api_refuses_is_refreshed_once_and_the_request_repeated_once() -> TestResult
{
    for config in [Config::rfc6749(), Config::hellosign()] {
        let world = World::start(config).await?;
        let (api, _) = bearer(&world)?;
        expire_at_the_server(&world);
        let answer = api.send(account(&world)?, Limits::default()).await?;
        assert_eq!(answer.status(), StatusCode::OK);
        assert_eq!((world.at.sandbox.counts().account, world.refreshes()), (2, 1));
        // However many are refused for the same token.
        expire_at_the_server(&world);
        let mut calls = Vec::new();
        for _ in 0..64 {
            let (api, request) = (api.clone(), account(&world)?);
            calls.push(tokio::spawn(async move { api.send(request, Limits::default()).await }));
        }
        for call in calls {
            assert_eq!(call.await??.status(), StatusCode::OK);
        }
        assert_eq!(world.refreshes(), 2);
    }
    Ok(())
}

#[tokio::test]
async fn a_refusal_that_stays_is_the_answer() -> TestResult {
    let world = World::start(Config::rfc6749()).await?;
    let (api, recorded) = bearer(&world)?;
    world.at.sandbox.fail_next(Fault::status(StatusCode::UNAUTHORIZED).on(Target::Api).times(9));
    let answer = api.send(account(&world)?, Limits::default()).await?;
    assert_eq!(answer.status(), StatusCode::UNAUTHORIZED);
    assert_eq!((recorded.requests().len(), world.refreshes()), (2, 1));

    // Nor is it repeated where there is no other token to be had.
    world.at.sandbox.clear_faults();
    let world = World::start(Config::rfc6749()).await?;
    let (api, recorded) = bearer(&world)?;
    expire_at_the_server(&world);
    let refused = Answer::new(StatusCode::BAD_REQUEST).body(r#"{"error":"invalid_grant"}"#);
    world.at.sandbox.fail_next(Fault::Answer(refused).on(Target::TokenRefresh));
    let answer = api.send(account(&world)?, Limits::default()).await?;
    assert_eq!(answer.status(), StatusCode::UNAUTHORIZED);
    assert_eq!((recorded.requests().len(), world.refreshes()), (1, 1));
    Ok(())
}

#[tokio::test]
async fn what_is_forbidden_is_not_asked_for_again() -> TestResult {
    let world = World::start(Config::rfc6749()).await?;
    let (api, _) = bearer(&world)?;
    world.at.sandbox.fail_next(Fault::status(StatusCode::FORBIDDEN).on(Target::Api));
    let answer = api.send(account(&world)?, Limits::default()).await?;
    assert_eq!(answer.status(), StatusCode::FORBIDDEN);
    assert_eq!((world.at.sandbox.counts().account, world.refreshes()), (1, 0));
    Ok(())
}

#[tokio::test]
async fn a_token_goes_to_no_other_origin() -> TestResult {
    let world = World::start(Config::rfc6749()).await?;
    let (api, recorded) = bearer(&world)?;
    let other = World::empty(Config::rfc6749()).await?;
    let answer = api.send(account(&other)?, Limits::default()).await?;
    assert_eq!(answer.status(), StatusCode::UNAUTHORIZED);
    let mut request = account(&world)?;
    request.headers_mut().insert("authorization", "Bearer of-the-caller".parse()?);
    let answer = api.send(request, Limits::default()).await?;
    assert_eq!(answer.status(), StatusCode::UNAUTHORIZED);
    let sent = recorded.requests();
    assert_eq!(sent[0].headers.get("authorization"), None);
    assert_eq!(sent[1].headers["authorization"], "Bearer of-the-caller");
    assert_eq!((sent.len(), world.refreshes()), (2, 0));

    let source = || world.tokens.source(&world.key);
    for bad in ["http://api.example", "https://api.example/v3", "api.example"] {
        assert!(BearerTransport::new(recorded.clone(), source()?, bad).is_err(), "{bad}");
        assert!(BearerLayer::new(source()?, bad).is_err(), "{bad}");
    }
    Ok(())
}

#[tokio::test]
async fn without_a_token_nothing_is_sent() -> TestResult {
    let world = World::empty(Config::rfc6749()).await?;
    let (api, recorded) = bearer(&world)?;
    let error = api.send(account(&world)?, Limits::default()).await.expect_err("no grant");
    assert_eq!(error.delivery(), Delivery::NotSent);
    let source = Error::source(&error).and_then(|it| it.downcast_ref::<TokenError>());
    assert_eq!(source.map(TokenError::kind), Some(TokenErrorKind::UnknownGrant));
    assert_eq!(recorded.requests().len(), 0);
    Ok(())
}

#[tokio::test]
async fn the_time_limit_holds_for_the_refresh_too() -> TestResult {
    let world = World::start(Config::rfc6749()).await?;
    let (api, _) = bearer(&world)?;
    world.expire();
    world.at.sandbox.fail_next(Fault::Hold { when: When::Before }.on(Target::TokenRefresh));
    let limits = Limits::default().with_timeout(Duration::from_millis(50));
    let error = api.send(account(&world)?, limits).await.expect_err("it takes too long");
    assert_eq!((error.kind(), error.delivery()), (TransportErrorKind::Timeout, Delivery::NotSent));
    // The refresh goes on, for whoever asks next.
    world.at.sandbox.wait_for_held(1).await;
    world.at.sandbox.release();
    let answer = api.send(account(&world)?, Limits::default()).await?;
    assert_eq!((answer.status(), world.refreshes()), (StatusCode::OK, 1));
    Ok(())
}

/// A request as hyper sends it.
fn of_hyper(world: &World) -> Result<Request<Full<&'static [u8]>>, http::Error> {
    Request::get(format!("{}/v3/account", world.at.sandbox.origin())).body(Full::default())
}

async fn call<S, T>(
    service: &mut S,
    request: Request<Full<&'static [u8]>>,
) -> Result<StatusCode, Box<dyn Error + Send + Sync>>
where
    S: Service<
            Request<Full<&'static [u8]>>,
            Response = Response<T>,
            Error = Box<dyn Error + Send + Sync>,
        >,
{
    std::future::poll_fn(|context| service.poll_ready(context)).await?;
    Ok(service.call(request).await?.status())
}

#[tokio::test]
async fn a_layer_does_the_same_for_hyper() -> Result<(), Box<dyn Error + Send + Sync>> {
    let world = World::start(Config::rfc6749()).await.expect("a world");
    let client = Client::builder(TokioExecutor::new()).build_http::<Full<&'static [u8]>>();
    let source = world.tokens.source(&world.key)?;
    let layer = || BearerLayer::new(source.clone(), world.at.sandbox.origin());

    let mut repeating = layer()?.repeating().layer(client.clone());
    assert_eq!(call(&mut repeating, of_hyper(&world)?).await?, StatusCode::OK);
    expire_at_the_server(&world);
    assert_eq!(call(&mut repeating, of_hyper(&world)?).await?, StatusCode::OK);
    assert_eq!((world.at.sandbox.counts().account, world.refreshes()), (3, 1));

    // Where a body cannot be sent twice, the next request has the new token.
    let mut plain = layer()?.layer(client.clone());
    expire_at_the_server(&world);
    assert_eq!(call(&mut plain, of_hyper(&world)?).await?, StatusCode::UNAUTHORIZED);
    world.event_of_refresh(2).await;
    assert_eq!(call(&mut plain, of_hyper(&world)?).await?, StatusCode::OK);
    assert_eq!(world.refreshes(), 2);

    // And nowhere else.
    let other = World::empty(Config::rfc6749()).await.expect("a world");
    assert_eq!(call(&mut repeating, of_hyper(&other)?).await?, StatusCode::UNAUTHORIZED);
    assert_eq!(world.refreshes(), 2);
    Ok(())
}
