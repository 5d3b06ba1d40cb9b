use countersign_core::hellosign::{
    AccountApi, ApiCredentials, ErrorResponse, OAuthApi, OAuthTokenGenerateRequest,
    OAuthTokenRefreshRequest,
};
use countersign_core::{Error, ErrorKind};
use countersign_testkit::ScriptedTransport;

use super::examples::ERRORS;
use crate::support::{World, now};

/// Status, kind, decoded body and headers of a failed call.
fn is_the_example(error: &Error, status: u16, body: &str) {
    assert_eq!(error.kind(), ErrorKind::ServerRefused, "{body}");
    let http = error.http().expect("an answer");
    assert_eq!(http.status(), status);
    assert_eq!(http.headers()["content-type"], "application/json");
    let expected: ErrorResponse = serde_json::from_str(body).expect("the published model");
    let server = error.server().expect("said");
    assert_eq!(ErrorResponse::from(server), expected);
    assert_eq!(server.code(), expected.error.error_name);
    assert_eq!(server.description(), Some(expected.error.error_msg.as_str()));
    assert_eq!(server.path(), expected.error.error_path.as_deref());
}

#[test]
fn every_published_error_is_read_wherever_it_comes() {
    for (status, body) in ERRORS {
        let world = World::hellosign();
        is_the_example(&world.complete(status, body).expect_err(body), status, body);
        is_the_example(&world.refresh(status, body).expect_err(body), status, body);

        let transport = ScriptedTransport::new();
        (0..3).for_each(|_| transport.answer(status, body));
        let oauth = OAuthApi::new(transport.clone()).expect("live");
        let request = OAuthTokenGenerateRequest::new("id", "secret", "code", "state");
        let error = now(oauth.oauth_token_generate(&request)).expect_err(body);
        is_the_example(&error, status, body);
        let request = OAuthTokenRefreshRequest::new("rt");
        let error = now(oauth.oauth_token_refresh_with_http_info(&request)).expect_err(body);
        is_the_example(&error, status, body);
        let credentials = ApiCredentials::ApiKey("key".into());
        let accounts = AccountApi::new(transport, credentials).expect("live");
        let error = now(accounts.account_get(None, None)).expect_err(body);
        is_the_example(&error, status, body);
    }
}

#[test]
fn the_rfcs_shape_that_the_live_token_endpoint_answers_is_read_too() {
    let body =
        r#"{"error":"invalid_grant","error_description":"Invalid grant data (refresh token)"}"#;
    let error = World::hellosign().refresh(400, body).expect_err("refused");
    let server = error.server().expect("said");
    assert_eq!(server.code(), "invalid_grant");
    assert_eq!(server.description(), Some("Invalid grant data (refresh token)"));
}
